#include "meltquench/crossbar/device_fill.h"

#include <gtest/gtest.h>

namespace mq {
namespace {

DeviceFill four(Fill fill) { return {.fill = fill, .devices = 4, .g_min = 1.0_uS, .g_max = 21.0_uS}; }

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

TEST(DeviceFill, ASingleDeviceGetsTheTargetItself) {
  const DeviceFill one{.fill = Fill::max, .devices = 1, .g_min = 1.0_uS, .g_max = 21.0_uS};
  EXPECT_EQ(one.target(7.77_uS, 0), 7.77_uS);
}

}  // namespace
}  // namespace mq
