#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "meltquench/core/random.h"
#include "meltquench/kernels/kernel_table.h"
#include "tables.h"

namespace mq {
namespace {

std::vector<float> random_values(std::size_t size, std::uint32_t event) {
  std::vector<float> values(size);
  const RngKey key = RngKey(7, Purpose::sampling).at_event(event);
  for (std::size_t i = 0; i < size; ++i) values[i] = Rng<float>(key, static_cast<std::uint32_t>(i)).normal();
  return values;
}

/// Operands of a product in any of the four transposes, and its result.
struct Case {
  std::size_t rows, columns, depth;
  bool a_transposed = false, b_transposed = false, adds = false;
  std::vector<float> a = random_values(rows * depth, 1), b = random_values(depth * columns, 2);
  std::vector<float> c = random_values(rows * columns, 3);

  FloatProduct op() {
    return {.rows = rows,
            .columns = columns,
            .depth = depth,
            .a = a.data(),
            .a_row = a_transposed ? 1 : depth,
            .a_column = a_transposed ? rows : 1,
            .b = b.data(),
            .b_row = b_transposed ? 1 : columns,
            .b_column = b_transposed ? depth : 1,
            .c = c.data(),
            .c_row = columns,
            .adds = adds};
  }
  std::vector<float> multiplied(const KernelTable& table, int threads) {
    const std::vector<float> before = c;
    table.float_product({.threads = threads}, op());
    return std::exchange(c, before);
  }
};

/// The contract in three lines: one chain of fma per element.
std::vector<float> by_contract(Case& test) {
  std::vector<float> c = test.c;
  const FloatProduct op = test.op();
  for (std::size_t i = 0; i < op.rows; ++i) {
    for (std::size_t j = 0; j < op.columns; ++j) {
      float sum = op.adds ? c[i * op.c_row + j] : 0.0f;
      for (std::size_t k = 0; k < op.depth; ++k) {
        sum = std::fma(op.a[i * op.a_row + k * op.a_column], op.b[k * op.b_row + j * op.b_column], sum);
      }
      c[i * op.c_row + j] = sum;
    }
  }
  return c;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

TEST(FloatProduct, IsOneChainOfFusedMultiplyAddsForAllSizesAndTransposes) {
  const KernelTable& table = kernels(Backend::cpu);
  for (std::size_t rows : {0, 1, 5, 6, 17, 33}) {
    for (std::size_t columns : {0, 1, 5, 16, 17, 33}) {
      for (std::size_t depth : {0, 1, 5, 17, 33}) {
        for (int flags = 0; flags < 8; ++flags) {
          Case test{rows, columns, depth, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
          ASSERT_TRUE(same_bits(test.multiplied(table, 1), by_contract(test)))
              << rows << " x " << columns << " x " << depth << ", flags " << flags;
        }
      }
    }
  }
}

TEST(FloatProduct, ContinuesTheChainAcrossBlocksOfDepth) {
  for (int flags = 0; flags < 8; ++flags) {
    Case test{37, 530, 300, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
    EXPECT_TRUE(same_bits(test.multiplied(kernels(Backend::cpu), 1), by_contract(test))) << flags;
    Case tall{530, 37, 300, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
    EXPECT_TRUE(same_bits(tall.multiplied(kernels(Backend::cpu), 1), by_contract(tall))) << flags;
  }
}

TEST(FloatProduct, AgreesWithDoublePrecision) {
  Case test{64, 48, 784, false, true};
  const auto c = test.multiplied(kernels(Backend::cpu), 1);
  for (std::size_t i = 0; i < 64; ++i) {
    for (std::size_t j = 0; j < 48; ++j) {
      double sum = 0.0, magnitude = 0.0;
      for (std::size_t k = 0; k < 784; ++k) {
        const double term = double(test.a[i * 784 + k]) * double(test.b[j * 784 + k]);
        sum += term;
        magnitude += std::abs(term);
      }
      // A chain of n roundings errs by at most n * 2^-24 of the sum of magnitudes.
      EXPECT_NEAR(c[i * 48 + j], sum, 784 * 0x1p-24 * magnitude);
    }
  }
}

TEST(FloatProduct, GivesARowTheSameBitsAloneAndInABatch) {
  Case whole{53, 70, 400, false, true};
  const auto c = whole.multiplied(kernels(Backend::cpu), 1);
  for (std::size_t row : {0, 1, 6, 25, 52}) {
    Case alone{1, 70, 400, false, true};
    std::copy_n(whole.a.begin() + static_cast<std::ptrdiff_t>(row * 400), 400, alone.a.begin());
    const auto y = alone.multiplied(kernels(Backend::cpu), 1);
    EXPECT_EQ(std::memcmp(y.data(), c.data() + row * 70, 70 * sizeof(float)), 0) << row;
  }
}

TEST(FloatProduct, DoesNotDependOnTheNumberOfThreads) {
  for (auto [rows, columns] : {std::pair<std::size_t, std::size_t>{131, 64}, {64, 131}, {2, 3}}) {
    for (int flags = 0; flags < 8; ++flags) {
      Case test{rows, columns, 277, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
      const auto one = test.multiplied(kernels(Backend::cpu), 1);
      EXPECT_TRUE(same_bits(test.multiplied(kernels(Backend::cpu), 2), one));
      EXPECT_TRUE(same_bits(test.multiplied(kernels(Backend::cpu), 3), one));
    }
  }
}

TEST(FloatProduct, HasTheSameBitsOnEveryInstructionSet) {
  for (const KernelTable* table : cpu_tables()) {
    for (int flags = 0; flags < 8; ++flags) {
      Case test{23, 45, 300, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0};
      EXPECT_TRUE(same_bits(test.multiplied(cpu_kernels("base"), 1), test.multiplied(*table, 1)))
          << table->name;
    }
  }
}

TEST(FloatProduct, TakesAnyStrideAndLeavesWhatLiesBetweenRowsAlone) {
  Case test{9, 20, 12};
  std::vector<float> a(9 * 12 * 3, 99.0f), b(12 * 20 * 2, 99.0f), c(9 * 25, -1.0f);
  for (std::size_t i = 0; i < 9 * 12; ++i) a[i * 3] = test.a[i];
  for (std::size_t i = 0; i < 12 * 20; ++i) b[i * 2] = test.b[i];
  FloatProduct op = test.op();
  op.a = a.data(), op.a_row = 36, op.a_column = 3;
  op.b = b.data(), op.b_row = 40, op.b_column = 2;
  op.c = c.data(), op.c_row = 25;
  kernels(Backend::cpu).float_product({}, op);
  const auto expected = by_contract(test);
  for (std::size_t i = 0; i < 9; ++i) {
    for (std::size_t j = 0; j < 25; ++j) EXPECT_EQ(c[i * 25 + j], j < 20 ? expected[i * 20 + j] : -1.0f);
  }
}

TEST(FloatProduct, PassesInfinityAndNotANumberOn) {
  Case test{3, 5, 4};
  test.a[1] = INFINITY;
  test.a[4] = NAN;
  const auto c = test.multiplied(kernels(Backend::cpu), 1);
  EXPECT_TRUE(std::isinf(c[0]));
  EXPECT_TRUE(std::isnan(c[5]));
  EXPECT_TRUE(std::isfinite(c[10]));
}

}  // namespace
}  // namespace mq
