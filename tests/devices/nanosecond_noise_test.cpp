#include "meltquench/devices/nanosecond_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "meltquench/core/random.h"

namespace mq {
namespace {

/// The published polynomials in double precision, written down a second time.
double slope(double t_int) {
  const double x = std::log10(t_int / 1e-9);
  return 2.1926e-4 * std::pow(x, 4) - 1.87352e-3 * std::pow(x, 3) + 6.55714e-3 * x * x - 1.46159e-2 * x +
         2.578764e-2;
}
double offset(double t_int) {
  const double x = std::log10(t_int / 1e-9);
  return 1.11906e-9 * std::pow(x, 4) - 9.08577e-9 * std::pow(x, 3) + 3.07015e-8 * x * x - 6.77079e-8 * x +
         1.17763e-7;
}

TEST(NanosecondNoise, HasThePublishedValues) {
  // 2.58 % of g + 0.118 uS at 1 ns, 1.13 % + 0.050 uS at 100 ns: half a unit of the last digit.
  EXPECT_NEAR(NanosecondNoise::slope(1.0_ns), 0.0258, 0.5e-4);
  EXPECT_NEAR(NanosecondNoise::offset(1.0_ns) / 1.0_uS, 0.118, 0.5e-3);
  EXPECT_NEAR(NanosecondNoise::slope(100.0_ns), 0.0113, 0.5e-4);
  EXPECT_NEAR(NanosecondNoise::offset(100.0_ns) / 1.0_uS, 0.050, 0.5e-3);
}

TEST(NanosecondNoise, IsThePolynomialBetweenItsLimits) {
  for (double t = 1e-9; t <= 1e-6; t *= 1.2) {
    const auto time = static_cast<float>(t);
    for (const double g : {0.0, 1e-6, 10e-6, 25e-6}) {
      const double exact = slope(t) * g + offset(t);
      EXPECT_NEAR(NanosecondNoise::sigma(static_cast<float>(g), time) / exact, 1.0, 1e-5) << t;
    }
  }
}

TEST(NanosecondNoise, ShrinksWithTheTimeOfIntegrationAndIsConstantBeyondTheFit) {
  float previous = 1.0f;
  for (float t = 1.0_ns; t < 1.0_us; t *= 1.1f) {
    const float sigma = NanosecondNoise::sigma(10.0_uS, t);
    EXPECT_LT(sigma, previous) << t;
    previous = sigma;
  }
  EXPECT_EQ(NanosecondNoise::sigma(10.0_uS, 0.01_ns), NanosecondNoise::sigma(10.0_uS, 1.0_ns));
  EXPECT_EQ(NanosecondNoise::sigma(10.0_uS, 1.0_ms), NanosecondNoise::sigma(10.0_uS, 1.0_us));
}

TEST(NanosecondNoise, LanesHaveTheBitsOfSingleCells) {
  const float g[4] = {0.0f, 1.0_uS, 12.0_uS, 25.0_uS}, t[4] = {0.5_ns, 3.0_ns, 130.0_ns, 2.0_us};
  float lanes[4];
  store(lanes, NanosecondNoise::sigma(load<FloatLanes<4>>(g), load<FloatLanes<4>>(t)));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(to_bits(lanes[i]), to_bits(NanosecondNoise::sigma(g[i], t[i])));
}

TEST(NanosecondNoise, EveryInputLineHasTheNoiseOfItsOwnPulse) {
  // The variance of an output against 20000 products with a normal for every cell: five standard errors of a
  // variance, sqrt(2 / n).
  constexpr std::size_t kLines = 24;
  constexpr int kProducts = 20'000;
  const float t_pulse = 128.0_ns;
  std::vector<float> plus, minus, x;
  for (std::size_t j = 0; j < kLines; ++j) {
    Rng<float> rng(RngKey(3, Purpose::sampling), static_cast<std::uint32_t>(j));
    plus.push_back(25.0_uS * rng.uniform());
    minus.push_back(0.5_uS * rng.uniform());
    x.push_back(j % 5 == 0 ? 0.0f : 2.0f * rng.uniform() - 1.0f);
  }
  double squares = 0.0;
  for (int n = 0; n < kProducts; ++n) {
    double error = 0.0;
    for (std::size_t j = 0; j < kLines; ++j) {
      if (x[j] == 0.0f) continue;
      Rng<float> rng(RngKey(4, Purpose::sampling), static_cast<std::uint32_t>(j),
                     static_cast<std::uint32_t>(n));
      const double t_int = std::abs(x[j]) * double(t_pulse), s = slope(std::max(t_int, 1e-9)),
                   o = offset(std::max(t_int, 1e-9));
      error += x[j] * ((s * plus[j] + o) * rng.normal() - (s * minus[j] + o) * rng.normal());
    }
    squares += error * error / kProducts;
  }
  const double variance = nanosecond_output_variance(plus.data(), minus.data(), x.data(), kLines, t_pulse);
  EXPECT_NEAR(squares / variance, 1.0, 5.0 * std::sqrt(2.0 / kProducts));
}

TEST(NanosecondNoise, AnotherInputDoesNotChangeTheNoiseOfALine) {
  const float plus[2] = {20.0_uS, 5.0_uS}, minus[2] = {0.1_uS, 0.2_uS};
  const float first[2] = {0.3f, 0.0f}, second[2] = {0.0f, 0.9f}, both[2] = {0.3f, 0.9f};
  const float t = 100.0_ns;
  EXPECT_DOUBLE_EQ(nanosecond_output_variance(plus, minus, both, 2, t),
                   nanosecond_output_variance(plus, minus, first, 2, t) +
                       nanosecond_output_variance(plus, minus, second, 2, t));
}

TEST(NanosecondNoise, GrowsRelativeToShortPulses) {
  // A tenth of the input has more than a tenth of the error: short pulses are noisy.
  const float plus[1] = {20.0_uS}, minus[1] = {0.0f}, full[1] = {1.0f}, tenth[1] = {0.1f};
  const double ratio = std::sqrt(nanosecond_output_variance(plus, minus, tenth, 1, 100.0_ns) /
                                 nanosecond_output_variance(plus, minus, full, 1, 100.0_ns));
  const double expected =
      0.1 * (slope(10e-9) * 20e-6 + offset(10e-9)) / (slope(100e-9) * 20e-6 + offset(100e-9));
  EXPECT_NEAR(ratio, expected, 0.02 * expected);  // the idle cell has its offset too
}

}  // namespace
}  // namespace mq
