#include "meltquench/devices/state_law.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mq {
namespace {

constexpr float kStates[] = {0.0f, 1e-7f, 1e-3f, 0.02f, 0.1f, 0.3f, 0.5f, 0.9f, 1.0f, 1.2f};

TEST(StateLaw, LogarithmicIsALineOverTheLogarithmAndClipped) {
  const StateLaw law{.slope = -0.0155f, .offset = 0.0244f, .low = 0.049f, .high = 0.1f};
  for (const float x : kStates) {
    const double exact =
        std::min(std::max(-0.0155 * std::log(std::max(double(x), 1e-7)) + 0.0244, 0.049), 0.1);
    EXPECT_NEAR(law(x), exact, 2e-7) << x;
  }
  EXPECT_EQ(law(0.0f), 0.1f);
  EXPECT_EQ(law(1.0f), 0.049f);
}

TEST(StateLaw, PowerIsAPowerAndClipped) {
  const StateLaw law{.shape = LawShape::power, .slope = -0.65f, .offset = 0.0088f, .low = 0.0f, .high = 0.2f};
  for (const float x : kStates) {
    const double exact = std::min(0.0088 * std::pow(std::max(double(x), 1e-7), -0.65), 0.2);
    EXPECT_NEAR(law(x), exact, 1e-6 * exact) << x;
  }
  EXPECT_EQ(law(0.0f), 0.2f);
}

TEST(StateLaw, APolynomialHoldsFromTheSplitOn) {
  const StateLaw law{.offset = 5.0f, .split = 0.3f, .polynomial = {1.0f, -2.0f, 3.0f, -4.0f}};
  EXPECT_EQ(law(std::nextafter(0.3f, 0.0f)), 5.0f);
  for (const float x : {0.3f, 0.5f, 1.0f})
    EXPECT_NEAR(law(x), 1 - 2.0 * x + 3.0 * x * x - 4.0 * x * x * x, 1e-6) << x;
}

TEST(StateLaw, ATableIsLinearBetweenItsPointsAndConstantBeyond) {
  StateLaw law;
  law.shape = LawShape::table;
  law.table = {3, {0.1f, 0.5f, 1.0f}, {0.10f, 0.05f, 0.02f}};
  EXPECT_FLOAT_EQ(law(0.0f), 0.10f);
  EXPECT_FLOAT_EQ(law(0.1f), 0.10f);
  EXPECT_FLOAT_EQ(law(0.3f), 0.075f);
  EXPECT_FLOAT_EQ(law(0.75f), 0.035f);
  EXPECT_NEAR(law(2.0f), 0.02f, 1e-8);
}

TEST(StateLaw, LanesHaveTheBitsOfSingleStates) {
  StateLaw laws[3] = {{.slope = -0.0387f,
                       .offset = -0.0182f,
                       .low = 0.072f,
                       .high = 0.13f,
                       .split = 0.0945f,
                       .polynomial = {0.0736f, -0.0126f, -0.0436f, 0.0f}},
                      {.shape = LawShape::power, .slope = -0.65f, .offset = 0.0088f, .high = 0.2f},
                      {.shape = LawShape::table, .table = {2, {0.1f, 0.9f}, {3.0f, 1.0f}}}};
  for (const StateLaw& law : laws) {
    float lanes[4];
    for (int first = 0; first < 8; first += 4) {
      store(lanes, law(load<FloatLanes<4>>(kStates + first)));
      for (int i = 0; i < 4; ++i) EXPECT_EQ(to_bits(lanes[i]), to_bits(law(kStates[first + i])));
    }
  }
}

TEST(StateLaw, LimitsInTheWrongOrderAreAProblem) {
  EXPECT_EQ(StateLaw{}.problem(), "");
  EXPECT_EQ((StateLaw{.low = 2.0f, .high = 1.0f}.problem()), "low must not be above high");
}

}  // namespace
}  // namespace mq
