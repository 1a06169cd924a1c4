// Effective matrices of arrays with resistive lines: CUDA has the bits of the CPU.
#include "backends.h"

namespace mq {
namespace {

std::vector<float> effective(const Exec& exec, const WireNetwork& wires, std::size_t outputs,
                             std::size_t inputs, const std::vector<float>& g, std::int64_t failed = 0) {
  const Buffer<float> cells = on_backend(exec, g);
  Buffer<float> to(exec, g.size());
  EXPECT_EQ(kernels(exec.backend)
                .effective_matrix(exec, {.wires = wires,
                                         .outputs = outputs,
                                         .inputs = inputs,
                                         .g = cells.data(),
                                         .effective = to.data(),
                                         .most_iterations = failed > 0 ? 2 : 1000}),
            failed);
  return on_host(to);
}

TEST_F(OnCuda, EffectiveMatricesHaveTheBitsOfTheCpu) {
  struct Case {
    std::size_t outputs, inputs;
    WireNetwork wires;
    bool has_shorts = false;
    std::int64_t failed = 0;
  };
  constexpr double kOpen = WireLine::kOpen;
  const Case cases[] = {{1, 1, {}},
                        {9, 7, {.word = {20.0, 50.0}, .bit = {10.0, kOpen, 11.0}}},
                        {5, 11, {.word = {500.0, 20.0, 20.0}, .bit = {1e3, 3.0, 9.0}}},
                        {34, 40, {.word = {50.0, kOpen, 50.0}, .bit = {20.0, 0.0, kOpen}}},
                        // In doubles: shorted cells, too many iterations in floats, too large a resistance.
                        {6, 8, {.word = {5.0, 5.0}, .bit = {5.0, kOpen, 5.0}}, true},
                        {20, 20, {.word = {1.5e3, 1.5e3}, .bit = {1.5e3, kOpen, 1.5e3}}},
                        {4, 6, {.word = {1e5, 1e5}, .bit = {1e5, kOpen, 1e5}}, false, 4}};
  for (const Case& c : cases) {
    std::vector<float> g = uniform_floats(c.outputs * c.inputs, 0.1e-6f, 25e-6f, 5);
    for (std::size_t k = 3; k < g.size(); k += 17) g[k] = 0.0f;
    for (std::size_t k = 5; c.has_shorts && k < g.size(); k += 61) g[k] = 1.0f;
    expect_same_bits(effective(kCpu, c.wires, c.outputs, c.inputs, g, c.failed),
                     effective(kCuda, c.wires, c.outputs, c.inputs, g, c.failed),
                     "effective matrix of " + std::to_string(c.outputs) + " x " + std::to_string(c.inputs));
  }
}

}  // namespace
}  // namespace mq
