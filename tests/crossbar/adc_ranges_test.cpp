#include "meltquench/crossbar/adc_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "arrays.h"

namespace mq {
namespace {

std::vector<float> normals(std::size_t n, std::uint32_t stream) {
  std::vector<float> y(n);
  for (std::size_t i = 0; i < n; ++i)
    y[i] = Rng<float>(RngKey(5, Purpose::sampling, stream), static_cast<std::uint32_t>(i)).normal();
  return y;
}

/// Mean squared error of a uniform ADC on y.
double quantisation_error(const std::vector<float>& y, double range, int limit) {
  double square = 0.0;
  for (const float v : y) {
    const double code = std::clamp(std::nearbyint(v / range * limit), -double(limit), double(limit));
    square += std::pow(code * range / limit - v, 2) / static_cast<double>(y.size());
  }
  return square;
}

TEST(MagnitudeCounts, PercentilesAreThoseOfTheSortedMagnitudes) {
  const std::vector<float> y = normals(5000, 1);
  std::vector<float> sorted;
  for (const float v : y) sorted.push_back(std::abs(v));
  std::sort(sorted.begin(), sorted.end());
  MagnitudeCounts counts;
  counts.add(y);
  EXPECT_EQ(counts.maximum(), sorted.back());
  EXPECT_EQ(counts.percentile(100.0), sorted.back());
  for (const double percent : {50.0, 90.0, 99.0, 99.98}) {
    const auto index = static_cast<std::size_t>(std::ceil(percent / 100.0 * 5000.0)) - 1;
    EXPECT_NEAR(counts.percentile(percent) / sorted[index], 1.0, 1.0 / 128.0) << percent;
    EXPECT_GE(counts.percentile(percent), sorted[index]) << percent;
  }
}

TEST(MagnitudeCounts, TheRangeOfLeastErrorIsThatOfASearchThroughAllRanges) {
  // 3 to 8 bits and two distributions: the error found is within 5 % of the least of 200 ranges,
  // which is partly luck: a mean of 2000 squared rounding errors has a standard error of 2 %.
  for (const bool heavy : {false, true}) {
    std::vector<float> y = normals(2000, 2);
    if (heavy) {
      for (float& v : y) v = v * v * v;
    }
    MagnitudeCounts counts;
    counts.add(y);
    for (const int bits : {3, 4, 6, 8}) {
      const int limit = largest_code(bits);
      double least = 1e30;
      for (int i = 1; i <= 200; ++i)
        least = std::min(least, quantisation_error(y, counts.maximum() * i / 200.0, limit));
      const double found = quantisation_error(y, counts.least_error(limit), limit);
      EXPECT_LT(found, 1.05 * least) << bits << heavy;
      EXPECT_NEAR(counts.error(counts.least_error(limit), limit) / 2000.0 / found, 1.0, 0.1) << bits << heavy;
    }
  }
}

TEST(OutputMagnitudes, GroupsShareARangeAndDoNotDependOnBatches) {
  // Two tiles, two slices, three columns; output = 1 + column + 10 slice + 100 tile.
  const auto value = [](std::size_t tile, std::size_t slice, std::size_t column) {
    return static_cast<float>(1 + column + 10 * slice + 100 * tile);
  };
  AdcParams adc;
  for (const RangeGroup per : {RangeGroup::layer, RangeGroup::slice, RangeGroup::tile, RangeGroup::column}) {
    OutputMagnitudes statistics(per, 2, 2, 3);
    for (std::size_t tile = 0; tile < 2; ++tile) {
      for (std::size_t slice = 0; slice < 2; ++slice) {
        std::vector<float> y;
        for (std::size_t row = 0; row < 4; ++row) {
          for (std::size_t column = 0; column < 3; ++column) y.push_back(-value(tile, slice, column));
        }
        statistics.add(tile, slice, matrix(y, 4));
      }
    }
    const auto wanted = [&](std::size_t tile, std::size_t slice, std::size_t column) {
      if (per == RangeGroup::layer) return value(1, 1, 2);
      if (per == RangeGroup::slice) return value(1, slice, 2);
      if (per == RangeGroup::tile) return value(tile, slice, 2);
      return value(tile, slice, column);
    };
    for (std::size_t i = 0; i < 12; ++i) {
      const std::size_t tile = i / 6, slice = i / 3 % 2, column = i % 3;
      EXPECT_EQ(statistics.range(adc, tile, slice, column), wanted(tile, slice, column)) << int(per);
    }
  }
  const std::vector<float> y = normals(600, 3);
  OutputMagnitudes whole(RangeGroup::column, 1, 1, 6), parts(RangeGroup::column, 1, 1, 6);
  whole.add(0, 0, matrix(y, 100));
  for (std::size_t row = 100; row-- > 0;) parts.add(0, 0, MatrixView<const float>(y.data() + row * 6, 1, 6));
  adc.bits = 4;
  for (const RangeMethod method : {RangeMethod::maximum, RangeMethod::percentile, RangeMethod::least_error}) {
    adc.range_from = method;
    for (std::size_t c = 0; c < 6; ++c) EXPECT_EQ(whole.range(adc, 0, 0, c), parts.range(adc, 0, 0, c));
  }
}

TEST(OutputMagnitudes, NothingButZerosGivesOne) {
  OutputMagnitudes statistics(RangeGroup::layer, 1, 1, 2);
  const std::vector<float> zeros(4, 0.0f);
  statistics.add(0, 0, matrix(zeros, 2));
  AdcParams adc;
  for (const RangeMethod method : {RangeMethod::maximum, RangeMethod::percentile, RangeMethod::least_error}) {
    adc.range_from = method;
    EXPECT_EQ(statistics.range(adc, 0, 0, 1), 1.0f);
  }
}

TEST(FullScales, NoInputWithinTheLimitExceedsThem) {
  const std::vector<float> w{1.0f, -2.0f, 0.5f, 0.1f, 0.2f, 0.3f};
  const std::vector<float> scales = full_scales(matrix(w, 2), 2.0);
  EXPECT_EQ(scales[0], 7.0f);
  EXPECT_GE(double(scales[1]), 2.0 * (double(0.1f) + double(0.2f) + double(0.3f)));
  EXPECT_NEAR(scales[1], 1.2, 1e-6);
}

TEST(LosslessBits, ConvertEveryIntegerSumExactly) {
  // N inputs of one digit on cells of some bits: the largest sum fits, and one bit less would not do. In
  // another simulator the "lossless" range had a gain error of 2^n / (2^n - 1).
  EXPECT_EQ(lossless_bits(128, 1, 1), 8);  // 0 to 128
  EXPECT_EQ(lossless_bits(127, 1, 1), 7);
  EXPECT_EQ(lossless_bits(144, 2, 1), 9);  // 432
  for (const auto& [inputs, cell, digit] : {std::tuple(128, 1, 1), {72, 2, 1}, {30, 3, 2}}) {
    const int sum = inputs * ((1 << cell) - 1) * ((1 << digit) - 1);
    const int bits = lossless_bits(static_cast<std::size_t>(inputs), cell, digit) + 1;
    EXPECT_GE(largest_code(bits), sum);
    EXPECT_LT(largest_code(bits - 1), sum);
    const double smallest = 0.037;  // weight units
    AdcParams adc;
    adc.bits = bits;
    std::vector<float> y;
    for (int s = -sum; s <= sum; ++s) y.push_back(static_cast<float>(s * smallest));
    std::vector<double> totals(y.size());
    ConvertOutputs op;
    op.batch = y.size();
    op.outputs = op.y_stride = op.totals_stride = 1;
    op.y = y.data();
    op.codes_per_unit = static_cast<float>(largest_code(bits) / lossless_range(bits, smallest));
    op.adc = adc.law();
    op.totals = totals.data();
    kernels(Backend::cpu).convert_outputs({}, op);
    for (int s = -sum; s <= sum; ++s) ASSERT_EQ(totals[static_cast<std::size_t>(s + sum)], s);
  }
}

TEST(AdcParams, SayWhatDoesNotGoTogether) {
  const auto message = [](const AdcParams& adc) {
    try {
      check_fields(adc, "adc");
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message({}), "");
  EXPECT_NE(message({.kind = AdcKind::ramp, .bits = 13}).find("a ramp has at most 12 bits"),
            std::string::npos);
  EXPECT_NE(message({.kind = AdcKind::cyclic, .op_amp_gain = 5.0}).find("at least 10"), std::string::npos);
  EXPECT_EQ(message({.kind = AdcKind::cyclic, .op_amp_gain = 1000.0}), "");
}

TEST(AdcParams, OnlyAUniformAdcWithoutErrorsIsFused) {
  EXPECT_FALSE(AdcParams{}.has_errors());
  EXPECT_FALSE((AdcParams{.kind = AdcKind::sar}).has_errors()) << "the same codes";
  EXPECT_TRUE((AdcParams{.kind = AdcKind::sar, .mismatch = 0.01f}).has_errors());
  EXPECT_TRUE((AdcParams{.kind = AdcKind::cco}).has_errors()) << "it cuts off fractions";
  EXPECT_TRUE((AdcParams{.offset = 1.0f}).has_errors());
  EXPECT_FALSE((AdcParams{.kind = AdcKind::cco, .bits = 0}).has_errors());
  EXPECT_FALSE(PeripheryParams{}.has_errors());
  EXPECT_TRUE((PeripheryParams{.s_shape = 0.1f}).has_errors());
  EXPECT_NEAR(PeripheryParams{.series_resistance = 100.0}.line_factor(1e-3), 1.0 / 1.1, 1e-12);
}

}  // namespace
}  // namespace mq
