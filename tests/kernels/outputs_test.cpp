/// What happens to outputs after the last code, and to the noise of cells before the first.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "meltquench/kernels/kernel_table.h"
#include "tables.h"

namespace mq {
namespace {

std::vector<float> uniform(std::size_t size, std::uint32_t stream, float low, float high) {
  std::vector<float> values(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    values[i] = low + (high - low) * Rng<float>(RngKey(3, Purpose::sampling, stream), i).uniform();
  }
  return values;
}

TEST(AffineOutputs, ScalesRowsAndColumnsAndAddsAnOffset) {
  constexpr std::size_t kBatch = 5, kOutputs = 37;
  const std::vector<float> y = uniform(kBatch * kOutputs, 1, -2.0f, 2.0f),
                           row = uniform(kBatch, 2, 0.5f, 2.0f), scale = uniform(kOutputs, 3, 0.5f, 2.0f),
                           offset = uniform(kOutputs, 4, -1.0f, 1.0f);
  for (const KernelTable* table : cpu_tables()) {
    for (const int parts : {0, 1, 2, 4, 7}) {
      std::vector<float> to = y;
      table->affine_outputs({.threads = 2}, {.batch = kBatch,
                                             .outputs = kOutputs,
                                             .y = to.data(),
                                             .row = parts & 1 ? row.data() : nullptr,
                                             .scale = parts & 2 ? scale.data() : nullptr,
                                             .offset = parts & 4 ? offset.data() : nullptr});
      for (std::size_t i = 0; i < y.size(); ++i) {
        float expected = y[i];
        if (parts & 1) expected *= row[i / kOutputs];
        if (parts & 2) expected *= scale[i % kOutputs];
        if (parts & 4) expected += offset[i % kOutputs];
        ASSERT_EQ(to[i], expected) << table->name << ", parts " << parts;
      }
    }
  }
}

TEST(CellVariances, AreSquaresOfWhatTheLawSays) {
  const std::vector<float> g = uniform(100, 1, 0.0f, 25e-6f), base = uniform(100, 2, 0.0f, 25e-6f);
  for (const KernelTable* table : cpu_tables()) {
    std::vector<float> to(g.size());
    CellVariances op{.g = g.data(), .base = base.data(), .scale = 2.0f, .to = to.data(), .size = g.size()};
    table->cell_variances({}, op);
    op.base = nullptr, op.scale = 0.5f, op.offset = 1e-6f, op.adds = true;
    table->cell_variances({}, op);
    for (std::size_t i = 0; i < g.size(); ++i) {
      const double first = 2.0 * (double(g[i]) - base[i]), second = 0.5 * g[i] + 1e-6;
      ASSERT_NEAR(to[i], first * first + second * second, 1e-6 * 25e-6 * 25e-6 * 4) << table->name;
    }
  }
}

TEST(MapCodes, LooksUpTheMagnitude) {
  std::vector<std::int16_t> codes, table_of = {0, 5, 17, 30};
  for (int i = 0; i < 5000; ++i) codes.push_back(static_cast<std::int16_t>(i % 7 - 3));
  for (const KernelTable* table : cpu_tables()) {
    std::vector<std::int16_t> to(codes.size());
    table->map_codes({.threads = 2}, {.codes = codes.data(),
                                      .table = table_of.data(),
                                      .entries = table_of.size(),
                                      .to = to.data(),
                                      .size = codes.size()});
    for (std::size_t i = 0; i < codes.size(); ++i) {
      ASSERT_EQ(to[i], table_of[static_cast<std::size_t>(std::abs(codes[i]))]);
    }
  }
}

TEST(AddReadNoise, HasItsVarianceAndBelongsToOutputAndPlaceInTheDataSet) {
  constexpr std::size_t kBatch = 2000, kOutputs = 19;
  const std::vector<float> variance = uniform(kBatch * kOutputs, 1, 0.5f, 2.0f);
  const auto noisy = [&](const KernelTable& table, std::size_t first, std::size_t rows) {
    std::vector<float> y(rows * kOutputs, 1.0f);
    table.add_read_noise({.threads = 2}, {.batch = rows,
                                          .outputs = kOutputs,
                                          .y = y.data(),
                                          .variance = variance.data() + first * kOutputs,
                                          .first_row = first,
                                          .key = RngKey(9, Purpose::mvm_noise)});
    return y;
  };
  const std::vector<float> all = noisy(kernels(Backend::reference), 0, kBatch);
  for (const KernelTable* table : cpu_tables()) EXPECT_EQ(noisy(*table, 0, kBatch), all) << table->name;
  const std::vector<float> tail = noisy(kernels(Backend::cpu), 1500, 500);
  EXPECT_TRUE(std::equal(tail.begin(), tail.end(), all.begin() + 1500 * kOutputs));
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double z = (all[i] - 1.0) / std::sqrt(double(variance[i]));
    sum += z, squares += z * z;
  }
  const double n = static_cast<double>(all.size());  // 38 000
  EXPECT_LE(std::abs(sum / n), 5.0 / std::sqrt(n));
  EXPECT_LE(std::abs(squares / n - 1.0), 5.0 * std::sqrt(2.0 / n));
}

}  // namespace
}  // namespace mq
