#include "meltquench/crossbar/device_fill.h"

#include <gtest/gtest.h>

namespace mq {
namespace {

DeviceFill four(Fill fill, float significance = 1.0f) {
  DeviceFill result{.how = {}, .g_min = 1.0_uS, .g_max = 21.0_uS};
  result.how.fill = fill;
  result.how.devices = 4;
  result.how.significance = significance;
  return result;
}

TEST(DeviceFill, AddsUpToTheTargetWhateverTheOrder) {
  for (const Fill fill : {Fill::max, Fill::equal, Fill::mixed}) {
    for (const float total : {4.0_uS, 5.0_uS, 24.0_uS, 47.3_uS, 84.0_uS}) {
      double sum = 0.0;
      for (int k = 0; k < 4; ++k) {
        const float g = four(fill).target(total, k);
        EXPECT_TRUE(g >= 1.0_uS && g <= 21.0_uS);
        sum += g;
      }
      EXPECT_NEAR(sum / total, 1.0, 1e-6) << total;
    }
  }
}

TEST(DeviceFill, MaxFillsOneAfterTheOtherAndEqualAllAlike) {
  EXPECT_EQ(four(Fill::max).target(34.0_uS, 0), 21.0_uS);
  EXPECT_NEAR(four(Fill::max).target(34.0_uS, 1), 11.0_uS, 1e-11);
  EXPECT_EQ(four(Fill::max).target(34.0_uS, 2), 1.0_uS);
  for (int k = 0; k < 4; ++k) EXPECT_NEAR(four(Fill::equal).target(34.0_uS, k), 8.5_uS, 1e-11);
}

TEST(DeviceFill, MixedCorrectsWithTheDeviceInBetween) {
  EXPECT_EQ(four(Fill::mixed).last_device(34.0_uS), 1);
  EXPECT_EQ(four(Fill::mixed).last_device(4.0_uS), 0);
  EXPECT_EQ(four(Fill::mixed).last_device(84.0_uS), 3);
  EXPECT_NEAR(four(Fill::mixed).correction(34.0_uS, 22.0e-6), 12.0_uS, 1e-11);
  EXPECT_EQ(four(Fill::mixed).correction(34.0_uS, 40.0e-6), 1.0_uS);
}

TEST(DeviceFill, OfDevicesThatCountUnequallyAddsUpToo) {
  for (const Fill fill : {Fill::max, Fill::equal, Fill::mixed}) {
    const DeviceFill unequal = four(fill, 3.0f);
    const double all = unequal.how.total_weight();
    EXPECT_NEAR(all, 1.0 + 1.0 / 3 + 1.0 / 9 + 1.0 / 27, 1e-12);
    for (const double level : {0.0, 0.1, 0.5, 0.77, 0.95, 1.0}) {
      const auto total = static_cast<float>(all * (1.0_uS + level * 20.0_uS));
      double sum = 0.0, others = 0.0;
      const int last = unequal.last_device(total);
      for (int k = 0; k < 4; ++k) {
        const double part = unequal.target(total, k) * unequal.how.weight_of(k);
        sum += part;
        if (k != last) others += part;
      }
      EXPECT_NEAR(sum / total, 1.0, 1e-6);
      if (fill == Fill::equal) continue;  // has no last one
      EXPECT_NEAR(unequal.correction(total, others), unequal.target(total, last), 1e-11);
    }
  }
}

TEST(DeviceFill, ASingleDeviceGetsTheTargetItself) {
  const DeviceFill one{.how = {}, .g_min = 1.0_uS, .g_max = 21.0_uS};
  EXPECT_EQ(one.target(7.77_uS, 0), 7.77_uS);
}

}  // namespace
}  // namespace mq
