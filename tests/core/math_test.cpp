#include "meltquench/core/math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace mq {
namespace {

double relative_error(float value, double exact) { return std::abs(value - exact) / std::abs(exact); }

TEST(Math, LogIsRightToTwoTimesTenToTheMinusSeven) {
  double worst = 0.0;
  for (std::uint32_t bits = 0x00800000u; bits < 0x7f800000u;
       bits += 997) {  // 2.1e6 floats from 1.2e-38 to 3.4e38
    const float x = from_bits(bits);
    if (x != 1.0f) worst = std::max(worst, relative_error(log(x), std::log(double(x))));
  }
  EXPECT_LT(worst, 2e-7);
  EXPECT_EQ(log(1.0f), 0.0f);
}

TEST(Math, LogIsRightForEveryFloatNearOne) {
  double worst = 0.0;
  for (std::uint32_t bits = to_bits(0.98f); bits < to_bits(1.02f); ++bits) {
    const float x = from_bits(bits);
    if (x != 1.0f) worst = std::max(worst, relative_error(log(x), std::log(double(x))));
  }
  EXPECT_LT(worst, 2e-7);
}

TEST(Math, ExpIsRightToTwoTimesTenToTheMinusSeven) {
  double worst = 0.0;
  for (int i = 0; i <= 2'000'000; ++i) {
    const float x = -87.0f + 175.0f * static_cast<float>(i) / 2e6f;
    worst = std::max(worst, relative_error(exp(x), std::exp(double(x))));
  }
  EXPECT_LT(worst, 2e-7);
  EXPECT_EQ(exp(0.0f), 1.0f);
}

TEST(Math, ExpStaysNormalBeyondItsRange) {
  EXPECT_EQ(exp(-1e30f), exp(-87.0f));
  EXPECT_EQ(exp(1e30f), exp(88.0f));
  EXPECT_TRUE(std::isnormal(exp(-87.0f)));
  EXPECT_TRUE(std::isnormal(exp(88.0f)));
}

TEST(Math, PowErrsAsTheRoundingOfItsExponentMust) {
  // x^a = exp(a ln x): the argument is rounded to 2^-24 |a ln x|, and the logarithm is off by as much again.
  for (const float a : {-0.65f, -0.05f, 0.05f, 0.5f, 1.0f, 3.0f}) {
    double worst = 0.0;
    for (int i = 0; i <= 200'000; ++i) {
      const float x = std::exp2(-24.0f + 34.0f * static_cast<float>(i) / 2e5f);
      const double argument = std::abs(a * std::log(double(x)));
      worst = std::max(worst, relative_error(pow(x, a), std::pow(double(x), double(a))) / (1.0 + argument));
    }
    EXPECT_LT(worst, 2e-7) << a;
  }
}

TEST(Math, SineAndCosineAreRightAllAroundTheTurn) {
  double worst = 0.0;
  for (std::uint64_t turn = 0; turn <= 0xffffffffu; turn += 1021) {  // 4.2e6 angles
    float sine, cosine;
    sincos_turn(static_cast<std::uint32_t>(turn), sine, cosine);
    const double angle = 2.0 * std::numbers::pi * static_cast<double>(turn) / 4294967296.0;
    worst = std::max({worst, std::abs(sine - std::sin(angle)), std::abs(cosine - std::cos(angle))});
  }
  EXPECT_LT(worst, 1.3e-7);
}

TEST(Math, QuartersOfATurnAreExact) {
  const float expected[][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
  for (std::uint32_t quarter = 0; quarter < 4; ++quarter) {
    float sine, cosine;
    sincos_turn(quarter << 30, sine, cosine);
    EXPECT_EQ(sine, expected[quarter][0]) << quarter;
    EXPECT_EQ(cosine, expected[quarter][1]) << quarter;
  }
}

TEST(Math, ClampKeepsValuesInsideAndCutsOthers) {
  EXPECT_EQ(clamp(0.5f, 0.0f, 1.0f), 0.5f);
  EXPECT_EQ(clamp(-0.5f, 0.0f, 1.0f), 0.0f);
  EXPECT_EQ(clamp(7.0f, 0.0f, 1.0f), 1.0f);
  EXPECT_EQ(abs(-3.0f), 3.0f);
  EXPECT_EQ(to_bits(abs(-0.0f)), 0u);
}

}  // namespace
}  // namespace mq
