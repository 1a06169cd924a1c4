#include "meltquench/kernels/input_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <vector>

#include "tables.h"

namespace mq {
namespace {

struct Scaled {
  std::vector<float> factors, to;
  friend bool operator==(const Scaled&, const Scaled&) = default;
};

Scaled scaled(const KernelTable& table, const std::vector<float>& x, std::size_t rows, int threads = 1) {
  Scaled result{std::vector<float>(rows, -1.0f), std::vector<float>(x.size())};
  table.scale_rows({.threads = threads}, {.x = x.data(),
                                          .rows = rows,
                                          .columns = x.size() / rows,
                                          .factors = result.factors.data(),
                                          .to = result.to.data()});
  return result;
}

struct Disturbed {
  std::vector<std::int16_t> finer, squares;
  friend bool operator==(const Disturbed&, const Disturbed&) = default;
};

/// `codes` with `rows` rows, limit 127.
Disturbed disturbed(const std::vector<std::int16_t>& codes, std::size_t rows, float deviation,
                    float asymmetry = 0.0f, const KernelTable& table = kernels(Backend::cpu), int threads = 1,
                    std::uint64_t first_row = 0) {
  Disturbed result{std::vector<std::int16_t>(codes.size()), std::vector<std::int16_t>(codes.size())};
  DisturbInputs op;
  op.codes = codes.data();
  op.batch = rows;
  op.code_stride = codes.size() / rows;
  op.deviation = deviation;
  op.asymmetry = asymmetry;
  op.shift = refinement_shift(127, deviation);
  op.largest = largest_finer_code(127, deviation, op.shift);
  op.key = RngKey(4, Purpose::input_noise).at_event(1);
  op.first_row = first_row;
  op.finer = result.finer.data();
  op.squares = result.squares.data();
  table.disturb_inputs({.threads = threads}, op);
  return result;
}

TEST(ScaleRows, LargestInputsBecomeOneAndZerosStay) {
  const Scaled s = scaled(kernels(Backend::cpu), {1.0f, -4.0f, 2.0f, 0.0f, 0.0f, 0.0f, 0.1f, 0.3f, 0.2f}, 3);
  EXPECT_EQ(s.factors, (std::vector<float>{4.0f, 0.0f, 0.3f}));
  EXPECT_EQ(s.to, (std::vector<float>{0.25f, -1.0f, 0.5f, 0.0f, 0.0f, 0.0f, 0.1f / 0.3f, 1.0f, 0.2f / 0.3f}));
}

TEST(ScaleRows, HasTheSameBitsOnEveryTableAndThreadCount) {
  const std::vector<float> x = uniforms(70 * 131, 1);
  const Scaled expected = scaled(kernels(Backend::reference), x, 70);
  for (const KernelTable* table : cpu_tables()) EXPECT_EQ(scaled(*table, x, 70, 3), expected) << table->name;
}

TEST(ScaleRows, GivenFactorsAreUsed) {
  const std::vector<float> x{1.0f, -4.0f};
  float factor = 8.0f;
  std::vector<float> to(2);
  kernels(Backend::cpu)
      .scale_rows({}, {.x = x.data(),
                       .rows = 1,
                       .columns = 2,
                       .factors = &factor,
                       .finds_factors = false,
                       .to = to.data()});
  EXPECT_EQ(to, (std::vector<float>{0.125f, -0.5f}));
}

TEST(DisturbInputs, NoiseComesBehindTheRangeAndIsNotCut) {
  // 40000 codes at the limit with 5 % of noise: mean and variance of the normal, on both sides of the limit.
  // In another simulator the order of noise and cut depends on the backend.
  constexpr float kDeviation = 0.05f * 127;
  const Disturbed d = disturbed(std::vector<std::int16_t>(40000, 127), 100, kDeviation);
  const std::uint32_t shift = refinement_shift(127, kDeviation);
  const std::int32_t largest = largest_finer_code(127, kDeviation, shift);
  EXPECT_LE(largest, 32767);
  EXPECT_GT(2 * largest, 32767 - 2) << "as fine as 16 bits allow";
  double mean = 0.0, square = 0.0;
  for (const std::int16_t code : d.finer) {
    ASSERT_LE(std::abs(code), largest);
    const double z = (std::ldexp(double(code), -int(shift)) - 127.0) / kDeviation;
    mean += z / 40000.0;
    square += z * z / 40000.0;
  }
  EXPECT_NEAR(mean, 0.0, 5.0 / 200.0);
  EXPECT_NEAR(square, 1.0, 5.0 * std::sqrt(2.0 / 40000.0));
}

TEST(DisturbInputs, NegativeInputsShrinkByTheAsymmetry) {
  const Disturbed d = disturbed({100, -100, 0, 127, -127}, 1, 0.0f, 0.1f);
  const double step = std::ldexp(1.0, -int(refinement_shift(127, 0.0f)));
  const double wanted[] = {100.0, -90.0, 0.0, 127.0, -114.3};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(d.finer[i] * step, wanted[i], step / 2 + 1e-5);
  const int shift = square_shift(largest_finer_code(127, 0.0f, refinement_shift(127, 0.0f)));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(d.squares[i], d.finer[i] * d.finer[i] >> shift);
}

TEST(DisturbInputs, HasTheSameBitsOnEveryTableThreadCountAndBatch) {
  std::vector<std::int16_t> codes(60 * 76);
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<std::int16_t>(int(i * 37 % 255) - 127);
  const Disturbed expected = disturbed(codes, 60, 2.0f, 0.05f, kernels(Backend::reference));
  for (const KernelTable* table : cpu_tables()) {
    EXPECT_EQ(disturbed(codes, 60, 2.0f, 0.05f, *table, 3), expected) << table->name;
  }
  const std::vector<std::int16_t> rest(codes.begin() + 40 * 76, codes.end());
  const Disturbed part = disturbed(rest, 20, 2.0f, 0.05f, kernels(Backend::cpu), 1, 40);
  EXPECT_TRUE(std::equal(part.finer.begin(), part.finer.end(), expected.finer.begin() + 40 * 76));
}

TEST(DisturbInputs, LinesAndSamplesAreIndependent) {
  // Correlations of neighbouring lines and samples over 20000 pairs, within 5 standard errors.
  const Disturbed d = disturbed(std::vector<std::int16_t>(201 * 101, 0), 201, 12.0f);
  double line = 0.0, sample = 0.0, square = 0.0;
  for (std::size_t row = 0; row < 200; ++row) {
    for (std::size_t i = 0; i < 100; ++i) {
      const double here = d.finer[row * 101 + i];
      line += here * d.finer[row * 101 + i + 1];
      sample += here * d.finer[(row + 1) * 101 + i];
      square += here * here;
    }
  }
  EXPECT_NEAR(line / square, 0.0, 5.0 / std::sqrt(20000.0));
  EXPECT_NEAR(sample / square, 0.0, 5.0 / std::sqrt(20000.0));
}

/// What two terms make of codes, or of floats: c and c^3, and squares of the first.
struct Shaped {
  std::vector<std::int16_t> codes, squares;
  std::vector<float> to;
  std::int64_t clips = 0;
  friend bool operator==(const Shaped&, const Shaped&) = default;
};

Shaped shaped(const KernelTable& table, const std::vector<std::int16_t>& codes, const std::vector<float>& x,
              int threads) {
  constexpr std::int32_t kLimit = 30;
  constexpr std::uint32_t kHalf = 64;
  std::vector<std::int16_t> code_table;
  std::vector<float> table_of_x;
  for (const int power : {1, 3}) {
    for (std::int32_t c = -kLimit; c <= kLimit; ++c) {
      code_table.push_back(static_cast<std::int16_t>(std::pow(c, power)));
    }
    for (int i = -int(kHalf); i <= int(kHalf); ++i) {
      table_of_x.push_back(static_cast<float>(std::pow(i / double(kHalf), power)));
    }
  }
  Shaped result{std::vector<std::int16_t>(2 * codes.size()), std::vector<std::int16_t>(2 * codes.size()),
                std::vector<float>(2 * x.size())};
  ConverterCounts counts;
  table.shape_inputs({.threads = threads}, {.batch = 3,
                                            .columns = codes.size() / 3,
                                            .terms = 2,
                                            .codes = codes.data(),
                                            .code_limit = kLimit,
                                            .code_table = code_table.data(),
                                            .to_codes = result.codes.data(),
                                            .squares = result.squares.data(),
                                            .square_limit = 27000});
  table.shape_inputs({.threads = threads}, {.batch = 3,
                                            .columns = x.size() / 3,
                                            .terms = 2,
                                            .x = x.data(),
                                            .full_scale = 2.0f,
                                            .table = table_of_x.data(),
                                            .half = kHalf,
                                            .to = result.to.data(),
                                            .counts = &counts});
  result.clips = counts.dac_clips;
  return result;
}

TEST(ShapeInputs, TermsStandOneAfterTheOtherInEveryRow) {
  std::vector<std::int16_t> codes;
  std::vector<float> x;
  for (int i = 0; i < 3 * 7; ++i) {
    codes.push_back(static_cast<std::int16_t>(3 * (i - 10)));
    x.push_back(0.21f * static_cast<float>(i - 10));
  }
  const Shaped found = shaped(kernels(Backend::cpu), codes, x, 1);
  const int shift = square_shift(27000);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t row = i / 7, at = row * 14 + i % 7;
    EXPECT_EQ(found.codes[at], codes[i]);
    EXPECT_EQ(found.codes[at + 7], codes[i] * codes[i] * codes[i]);
    EXPECT_EQ(found.squares[at], codes[i] * codes[i] >> shift);
    const double u = std::clamp(x[i] / 2.0, -1.0, 1.0);
    EXPECT_NEAR(found.to[at], 2.0 * u, 1e-6);
    EXPECT_NEAR(found.to[at + 7], 2.0 * u * u * u, 2.0 * 0.75 / 64 / 64 + 1e-6);  // h^2 f'' / 8
  }
  EXPECT_EQ(found.clips, 2);
  for (const KernelTable* table : cpu_tables()) {
    for (const int threads : {1, 3}) EXPECT_EQ(shaped(*table, codes, x, threads), found) << table->name;
  }
}

}  // namespace
}  // namespace mq
