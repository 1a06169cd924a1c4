// Lines in another order: CUDA has the words of the CPU.
#include "backends.h"

namespace mq {
namespace {

std::vector<std::uint32_t> gathered(const Exec& exec, const std::vector<float>& from, std::size_t stride,
                                    const std::vector<std::uint32_t>& rows,
                                    const std::vector<std::uint32_t>& columns) {
  const Buffer<float> array = on_backend(exec, from);
  const Buffer<std::uint32_t> row_lines = on_backend(exec, rows), column_lines = on_backend(exec, columns);
  Buffer<std::uint32_t> to(exec, rows.size() * columns.size());
  kernels(exec.backend)
      .gather_lines(exec, {.rows = rows.size(),
                           .columns = columns.size(),
                           .from = array.data(),
                           .from_stride = stride,
                           .row_lines = row_lines.data(),
                           .column_lines = column_lines.data(),
                           .to = to.data()});
  return on_host(to);
}

TEST_F(OnCuda, GatheredLinesHaveTheBitsOfTheCpu) {
  const std::vector<float> from = uniform_floats(40 * 37, -1.0f, 1.0f, 11);
  std::vector<std::uint32_t> rows, columns;
  for (std::uint32_t r = 0; r < 33; ++r) rows.push_back(r == 4 ? kNoLine : 39 - r);
  for (std::uint32_t c = 0; c < 29; ++c) columns.push_back(c == 28 ? kNoLine : (5 * c + 1) % 37);
  const std::vector<std::uint32_t> cpu = gathered(kCpu, from, 37, rows, columns);
  expect_same_bits(cpu, gathered(kCuda, from, 37, rows, columns), "gathered lines");
  EXPECT_EQ(cpu[4 * 29], 0u);
  EXPECT_NE(cpu[0], 0u);
}

}  // namespace
}  // namespace mq
