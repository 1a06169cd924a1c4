// Outputs after the last code, and the variance of cells: CUDA has the bits of the CPU.
#include "backends.h"

namespace mq {
namespace {

TEST_F(OnCuda, ScaledOutputsHaveTheBitsOfTheCpu) {
  constexpr std::size_t kBatch = 7, kOutputs = 45;
  const std::vector<float> y = uniform_floats(kBatch * kOutputs, -2.0f, 2.0f, 1),
                           row = uniform_floats(kBatch, 0.5f, 2.0f, 2),
                           scale = uniform_floats(kOutputs, 0.5f, 2.0f, 3),
                           offset = uniform_floats(kOutputs, -1.0f, 1.0f, 4);
  const auto scaled = [&](const Exec& exec) {
    Buffer<float> to = on_backend(exec, y);
    const Buffer<float> r = on_backend(exec, row), s = on_backend(exec, scale), o = on_backend(exec, offset);
    kernels(exec.backend)
        .affine_outputs(exec, {.batch = kBatch,
                               .outputs = kOutputs,
                               .y = to.data(),
                               .row = r.data(),
                               .scale = s.data(),
                               .offset = o.data()});
    return on_host(to);
  };
  expect_same_bits(scaled(kCpu), scaled(kCuda), "affine outputs");
}

TEST_F(OnCuda, ReadNoiseOfItsOwnVarianceHasTheBitsOfTheCpu) {
  constexpr std::size_t kBatch = 9, kOutputs = 45;
  const std::vector<float> g = uniform_floats(kBatch * kOutputs, 0.0f, 25e-6f, 1),
                           base = uniform_floats(kBatch * kOutputs, 0.0f, 25e-6f, 2);
  const auto noisy = [&](const Exec& exec) {
    const Buffer<float> from = on_backend(exec, g), off = on_backend(exec, base);
    Buffer<float> variance(exec, g.size()), y(exec, g.size());
    CellVariances op{.g = from.data(),
                     .base = off.data(),
                     .scale = 1e5f,
                     .offset = 1e-6f,
                     .to = variance.data(),
                     .size = g.size()};
    kernels(exec.backend).cell_variances(exec, op);
    op.base = nullptr, op.adds = true;
    kernels(exec.backend).cell_variances(exec, op);
    kernels(exec.backend)
        .add_read_noise(exec, {.batch = kBatch,
                               .outputs = kOutputs,
                               .y = y.data(),
                               .variance = variance.data(),
                               .first_row = 12345,
                               .key = RngKey(9, Purpose::mvm_noise)});
    return on_host(y);
  };
  expect_same_bits(noisy(kCpu), noisy(kCuda), "read noise");
}

TEST_F(OnCuda, MappedCodesHaveTheBitsOfTheCpu) {
  std::vector<std::int16_t> codes, table(128);
  for (int i = 0; i < 5000; ++i) codes.push_back(static_cast<std::int16_t>(i * 37 % 255 - 127));
  for (int i = 0; i < 128; ++i) table[static_cast<std::size_t>(i)] = static_cast<std::int16_t>(i * i / 130);
  const auto mapped = [&](const Exec& exec) {
    const Buffer<std::int16_t> from = on_backend(exec, codes), lookup = on_backend(exec, table);
    Buffer<std::int16_t> to(exec, codes.size());
    kernels(exec.backend)
        .map_codes(exec, {.codes = from.data(),
                          .table = lookup.data(),
                          .entries = table.size(),
                          .to = to.data(),
                          .size = codes.size()});
    return on_host(to);
  };
  EXPECT_EQ(mapped(kCpu), mapped(kCuda));
}

}  // namespace
}  // namespace mq
