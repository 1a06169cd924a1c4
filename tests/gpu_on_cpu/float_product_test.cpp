#include <cmath>

#include "backends.h"

namespace mq {
namespace {

struct Shape {
  std::size_t rows, columns, depth;
  bool a_is_transposed, b_is_transposed, adds;
};

std::vector<float> multiply(const Exec& exec, const Shape& s) {
  const Buffer<float> a = on_backend(exec, uniform_floats(s.rows * s.depth, -1.0f, 1.0f, 6));
  const Buffer<float> b = on_backend(exec, uniform_floats(s.depth * s.columns, -1.0f, 1.0f, 7));
  const std::size_t c_row = s.columns + 3;  // c is a part of something wider
  Buffer<float> c = on_backend(exec, uniform_floats(s.rows * c_row, -1.0f, 1.0f, 8));
  FloatProduct op{.rows = s.rows,
                  .columns = s.columns,
                  .depth = s.depth,
                  .a = a.data(),
                  .b = b.data(),
                  .c = c.data(),
                  .c_row = c_row,
                  .adds = s.adds};
  op.a_row = s.a_is_transposed ? 1 : s.depth;
  op.a_column = s.a_is_transposed ? s.rows : 1;
  op.b_row = s.b_is_transposed ? 1 : s.columns;
  op.b_column = s.b_is_transposed ? s.depth : 1;
  kernels(exec.backend).float_product(exec, op);
  return on_host(c);
}

TEST_F(OnCuda, FloatProductsFollowTheSameChains) {
  const std::size_t sizes[][3] = {{1, 1, 1}, {7, 5, 300}, {33, 16, 2}, {20, 40, 513}, {4, 3, 0}};
  for (const auto& [rows, columns, depth] : sizes) {
    for (int flags = 0; flags < 8; ++flags) {
      const Shape shape{rows, columns, depth, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
      expect_same_bits(multiply(kCpu, shape), multiply(kCuda, shape),
                       std::to_string(rows) + " x " + std::to_string(columns) + " x " +
                           std::to_string(depth) + ", flags " + std::to_string(flags));
    }
  }
}

// Sizes that take the larger squares of c, with odd edges and every way an operand can lie.
TEST_F(OnCuda, LargeFloatProductsFollowTheSameChains) {
  const std::size_t sizes[][3] = {{700, 720, 19}, {1420, 1400, 17}};
  for (const auto& [rows, columns, depth] : sizes) {
    for (int flags = 0; flags<8; flags += columns> 1000 ? 3 : 1) {
      const Shape shape{rows, columns, depth, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
      expect_same_bits(
          multiply(kCpu, shape), multiply(kCuda, shape),
          std::to_string(rows) + " x " + std::to_string(columns) + ", flags " + std::to_string(flags));
    }
  }
}

TEST_F(OnCuda, AFloatProductKeepsTheSignOfAZeroAtItsEdges) {
  const Buffer<float> zeros(kCuda, 5);
  Buffer<float> c = on_backend(kCuda, std::vector<float>{-0.0f});
  // -1 * 0 five times onto -0: -0, unless a padded step adds +0.
  const Buffer<float> minus = on_backend(kCuda, std::vector<float>(5, -1.0f));
  kernels(Backend::cuda)
      .float_product(kCuda, {.rows = 1,
                             .columns = 1,
                             .depth = 5,
                             .a = minus.data(),
                             .a_row = 5,
                             .b = zeros.data(),
                             .b_row = 1,
                             .c = c.data(),
                             .c_row = 1,
                             .adds = true});
  EXPECT_TRUE(std::signbit(on_host(c)[0]));
}

}  // namespace
}  // namespace mq
