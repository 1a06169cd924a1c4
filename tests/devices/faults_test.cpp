#include "meltquench/devices/faults.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mq {
namespace {

constexpr std::uint32_t kCells = 100000;

struct Counts {
  double low = 0, high = 0, between = 0, failing = 0, works = 0;  // shares
};

Counts count(const FaultParams& params, float pulses = 0.0f) {
  const ArrayFaults faults{
      .params = params, .key = RngKey(3, Purpose::faults), .g_min = 1.0_uS, .g_max = 25.0_uS};
  Counts counts;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    const float g = fault_of<float>(faults, i, pulses);
    (g == kWorkingCell   ? counts.works
     : g == kFailingCell ? counts.failing
     : g == 1.0_uS       ? counts.low
     : g == 25.0_uS      ? counts.high
                         : counts.between) += 1.0;
    EXPECT_TRUE(g < 0.0f || (g >= 1.0_uS && g <= 25.0_uS));
  }
  for (double* n : {&counts.low, &counts.high, &counts.between, &counts.failing, &counts.works}) *n /= kCells;
  return counts;
}

/// Five standard errors of a share.
double allowed(double share) { return 5.0 * std::sqrt(share * (1.0 - share) / kCells); }

TEST(Faults, HaveTheSharesThatWereAskedFor) {
  const FaultParams params{.stuck_low = 0.03f, .stuck_high = 0.02f, .stuck_random = 0.05f, .failing = 0.1f};
  const Counts counts = count(params);
  EXPECT_NEAR(counts.low, 0.03, allowed(0.03));
  EXPECT_NEAR(counts.high, 0.02, allowed(0.02));
  EXPECT_NEAR(counts.between, 0.05, allowed(0.05));
  EXPECT_NEAR(counts.failing, 0.9 * 0.1, allowed(0.09));
  EXPECT_NEAR(counts.works, params.yield(), allowed(params.yield()));
}

TEST(Faults, AreNoneByDefault) {
  EXPECT_FALSE(FaultParams{}.has_any());
  EXPECT_EQ(FaultParams{}.yield(), 1.0f);
  EXPECT_EQ(count({}, 1e9f).works, 1.0) << "cells that do not wear";
}

TEST(Faults, WearOutByAWeibullLaw) {
  FaultParams params{.endurance = 1e6f, .shape = 2.0f, .worn_low = 0.7f};
  for (const double pulses : {0.0, 1e5, 5e5, 1e6, 2e6}) {
    const double dead = 1.0 - std::exp(-std::pow(pulses / 1e6, 2.0));
    const Counts counts = count(params, static_cast<float>(pulses));
    EXPECT_NEAR(counts.works, 1.0 - dead, allowed(dead) + 1e-9) << pulses;
    EXPECT_NEAR(counts.low, 0.7 * dead, allowed(0.7 * dead) + 1e-9) << pulses;
    params.past_pulses = static_cast<float>(pulses);
    EXPECT_EQ(count(params).works, counts.works) << "pulses before count as those since";
    params.past_pulses = 0.0f;
  }
}

TEST(Faults, StayOnceTheyAreThere) {
  const ArrayFaults faults{
      .params = {.endurance = 1e6f}, .key = RngKey(3, Purpose::faults), .g_max = 25.0_uS};
  int worn = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const float early = fault_of<float>(faults, i, 1e6f);
    worn += early >= 0.0f;
    if (early >= 0.0f) {
      EXPECT_EQ(fault_of<float>(faults, i, 2e6f), early);
    }
  }
  EXPECT_NEAR(worn, 632, 5 * std::sqrt(1000 * 0.632 * 0.368));
}

TEST(Faults, LeaveFailedWritesAroundTheirTarget) {
  EXPECT_FLOAT_EQ(failed_write<float>(10.0_uS, 2.0f, 2.0_uS, 0.0f, 20.0_uS), 14.0_uS);
  EXPECT_EQ(failed_write<float>(19.0_uS, 2.0f, 2.0_uS, 0.0f, 20.0_uS), 20.0_uS);
}

TEST(Faults, SharesAboveOneAreRefused) {
  const FaultParams params{.stuck_low = 0.6f, .stuck_high = 0.6f};
  EXPECT_NE(params.problem(), "");
}

}  // namespace
}  // namespace mq
