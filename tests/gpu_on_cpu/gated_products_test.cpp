// Products of gated arrays: CUDA has the bits of the CPU.
#include "backends.h"

namespace mq {
namespace {

TEST_F(OnCuda, GatedProductsHaveTheBitsOfTheCpu) {
  constexpr double kOpen = WireLine::kOpen;
  constexpr std::size_t kBatch = 5;
  struct Case {
    std::size_t outputs, inputs;
    GatedNetwork network;
    bool has_shorts = false;
  };
  const WireLine first{20.0, 70.0, kOpen}, last{30.0, kOpen, 50.0}, both{15.0, 40.0, 90.0};
  const Case cases[] = {{1, 1, {first, last}},
                        {35, 70, {first, last}},
                        {17, 66, {first, {30.0, 50.0, kOpen}}},
                        {9, 40, {both, {30.0, 50.0, kOpen}}},
                        {9, 40, {first, both}},
                        {18, 65, {both, both}},
                        {18, 130, {{500.0, 20.0, kOpen}, {500.0, kOpen, 20.0}}, true}};
  for (const Case& c : cases) {
    std::vector<float> g = uniform_floats(c.outputs * c.inputs, 0.1e-6f, 25e-6f, 5);
    for (std::size_t k = 3; k < g.size(); k += 17) g[k] = 0.0f;
    for (std::size_t k = 5; c.has_shorts && k < g.size(); k += 61) g[k] = 1.0f;
    std::vector<std::int16_t> codes;
    for (const float u : uniform_floats(kBatch * (c.inputs + 2), 0.0f, 3.0f, 6)) {
      codes.push_back(static_cast<std::int16_t>(static_cast<int>(u) - 1));
    }
    const auto conducted = [&](const Exec& exec, bool wants_alone) {
      const Buffer<float> from = on_backend(exec, g);
      const Buffer<std::int16_t> gates = on_backend(exec, codes);
      Buffer<float> cells(exec, padded_outputs(c.outputs) * c.inputs), alone(exec, g.size()),
          y(exec, kBatch * c.outputs);
      kernels(exec.backend)
          .pack_gated(exec, {.network = c.network,
                             .g = from.data(),
                             .outputs = c.outputs,
                             .inputs = c.inputs,
                             .cells = cells.data(),
                             .alone = alone.data()});
      GatedProducts op{.network = c.network,
                       .cells = cells.data(),
                       .largest = c.has_shorts ? 1.0f : 25e-6f,
                       .outputs = c.outputs,
                       .inputs = c.inputs,
                       .codes = gates.data(),
                       .code_stride = c.inputs + 2,
                       .batch = kBatch,
                       .scale = 3e4f,
                       .y = y.data()};
      kernels(exec.backend).gated_products(exec, op);
      op.scale = -1e4f, op.adds = true;
      kernels(exec.backend).gated_products(exec, op);
      return on_host(wants_alone ? alone : y);
    };
    const std::string what = std::to_string(c.outputs) + " x " + std::to_string(c.inputs);
    expect_same_bits(conducted(kCpu, true), conducted(kCuda, true), "cells alone of " + what);
    expect_same_bits(conducted(kCpu, false), conducted(kCuda, false), "gated products of " + what);
  }
}

}  // namespace
}  // namespace mq
