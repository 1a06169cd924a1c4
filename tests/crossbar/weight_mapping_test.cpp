#include "meltquench/crossbar/weight_mapping.h"

#include "arrays.h"

namespace mq {
namespace {

TEST(WeightMapping, WritesTheSideOfTheSignAndLeavesTheOtherAtGMin) {
  const WeightMapping pair{.g_min = 1e-6f, .g_max = 25e-6f, .w_max = 2.0f};
  EXPECT_EQ(pair.target(2.0f, Polarity::plus), 25e-6f);
  EXPECT_EQ(pair.target(2.0f, Polarity::minus), 1e-6f);
  EXPECT_EQ(pair.target(-2.0f, Polarity::plus), 1e-6f);
  EXPECT_EQ(pair.target(-2.0f, Polarity::minus), 25e-6f);
  EXPECT_EQ(pair.target(0.0f, Polarity::plus), 1e-6f);
  EXPECT_NEAR(pair.target(1.0f, Polarity::plus), 13e-6, 1e-12);
}

TEST(WeightMapping, ReadsBackWithinTwoToTheMinus23OfTheLargestWeight) {
  for (const float w_max : {1.0f, 3e-5f, 77.7f}) {
    const WeightMapping pair{.g_min = 0.0f, .g_max = 10.35e-6f, .w_max = w_max};
    for (const float u : uniforms(100'000, 1)) {
      const float w = u * w_max;
      const double difference = double(pair.target(w, Polarity::plus)) - pair.target(w, Polarity::minus);
      ASSERT_LE(std::abs(static_cast<float>(difference * pair.weight_per_siemens()) - double(w)),
                w_max * 0x1p-23);
    }
  }
}

TEST(WeightMapping, WithAReferenceKeepsTheMinusSideInTheMiddle) {
  const WeightMapping pair{.g_min = 10e-6f, .g_max = 20e-6f, .w_max = 0.5f, .kind = PairKind::reference};
  for (const float w : uniforms(1000, 2)) {
    const float half = 0.5f * w;
    EXPECT_EQ(pair.target(half, Polarity::minus), 15e-6f);
    const double difference = double(pair.target(half, Polarity::plus)) - 15e-6f;
    EXPECT_NEAR(difference * pair.weight_per_siemens(), half, 1e-7);
  }
  EXPECT_EQ(pair.target(0.5f, Polarity::plus), 20e-6f);
  EXPECT_EQ(pair.target(-0.5f, Polarity::plus), 10e-6f);
}

TEST(WeightMapping, TargetsNeverExceedGMax) {
  for (const float w_max : {1.0f, 0.1f, 0.3f, 7.0f}) {
    for (const float g_max : {25e-6f, 10.35e-6f, 20.7e-6f}) {
      const WeightMapping pair{.g_min = 0.1e-6f, .g_max = g_max, .w_max = w_max};
      for (const float w : {w_max, std::nextafter(w_max, 0.0f)})
        EXPECT_LE(pair.target(w, Polarity::plus), g_max);
      EXPECT_EQ(pair.target(w_max, Polarity::plus), g_max);
    }
  }
}

}  // namespace
}  // namespace mq
