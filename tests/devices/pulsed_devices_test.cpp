/// The update models against their equations and published constants.
#include <gtest/gtest.h>

#include "step_samples.h"

namespace mq {
namespace {

constexpr std::uint32_t kDevices = 20000;

TEST(ConstantStep, DevicesDifferInStepsAndBoundsAsAihwkitDrawsThem) {
  // Delta+- = (1 + 0.3 xi +- 0.01 xi') Delta, bounds +-0.6 (1 + 0.3 xi): 0.6 is half the range.
  const ConstantStep::Params p;
  Moments up, difference, low, high;
  for (const auto& cell : new_cells<ConstantStep>(p, kDevices)) {
    up.add(cell.step_up / p.step);
    difference.add((cell.step_up - cell.step_down) / p.step);
    low.add(cell.g_low);
    high.add(cell.g_high);
  }
  const double root = std::sqrt(double(kDevices));
  const double spread = std::hypot(0.3, 0.01), bound = 0.3 * 5.0_uS;
  EXPECT_NEAR(up.mean(), 1.0, 5.0 * spread / root);
  EXPECT_NEAR(up.sigma(), spread, 5.0 * spread / root / std::sqrt(2.0));
  EXPECT_NEAR(difference.mean(), 0.0, 5.0 * 0.02 / root);
  EXPECT_NEAR(difference.sigma(), 0.02, 0.02 * 0.05);
  EXPECT_NEAR(high.mean(), 20.0_uS, 5.0 * bound / root);
  EXPECT_NEAR(high.sigma(), bound, 5.0 * bound / root / std::sqrt(2.0));
  EXPECT_NEAR(low.mean(), 10.0_uS, 5.0 * bound / root);
  EXPECT_NEAR(low.sigma(), bound, 5.0 * bound / root / std::sqrt(2.0));
}

TEST(ConstantStep, AsymmetryTakesFromOneDirection) {
  ConstantStep::Params p;
  p.step_spread_scale = p.asymmetry_spread_scale = 0.0f;
  p.asymmetry = -0.25f;
  const auto weaker_up = new_cells<ConstantStep>(p, 1).front();
  EXPECT_FLOAT_EQ(weaker_up.step_up, 0.75f * p.step);
  EXPECT_FLOAT_EQ(weaker_up.step_down, p.step);
  p.asymmetry = 0.25f;
  const auto weaker_down = new_cells<ConstantStep>(p, 1).front();
  EXPECT_FLOAT_EQ(weaker_down.step_up, p.step);
  EXPECT_FLOAT_EQ(weaker_down.step_down, 0.75f * p.step);
}

TEST(ConstantStep, UpAndDownCancelAnywhereInTheRange) {
  ConstantStep::Params p;
  p.asymmetry_spread_scale = p.cycle_noise_scale = 0.0f;
  for (auto cell : new_cells<ConstantStep>(p, 200)) {
    for (int n = 0; n < 50; ++n) ConstantStep::pulse(p, cell, true, 3.0f, 0.0f);
    for (int n = 0; n < 50; ++n) ConstantStep::pulse(p, cell, false, 3.0f, 0.0f);
    EXPECT_NEAR(cell.g, 15.0_uS, 1e-4 * 15.0_uS);
  }
}

TEST(SoftBounds, TheStepShrinksWithTheDistanceToTheBound) {
  SoftBounds::Params p;
  p.cycle_noise_scale = 0.0f;
  for (auto cell : new_cells<SoftBounds>(p, 200)) {
    const double before = cell.g, b = double(cell.g_high) - before, step = cell.rate_up * b;
    for (int n = 0; n < 300; ++n) SoftBounds::pulse(p, cell, true, 1.0f, 0.0f);
    // aihwkit: w_n = b (1 - (1 - step / b)^n)
    EXPECT_NEAR(cell.g, before + b * (1.0 - std::pow(1.0 - step / b, 300)), 1e-4 * b);
  }
}

TEST(SoftBounds, AlternatingPulsesEndWhereStepsAreEqual) {
  // The symmetry point of the linear law, for unequal steps and bounds.
  SoftBounds::Params p;
  p.cycle_noise_scale = 0.0f;
  p.step = 50.0_nS;
  p.asymmetry = 0.4f;
  for (auto cell : new_cells<SoftBounds>(p, 100)) {
    if (cell.rate_up + cell.rate_down < 5e-3f) continue;
    for (int n = 0; n < 4000; ++n) SoftBounds::pulse(p, cell, n % 2 == 0, 1.0f, 0.0f);
    const double up = cell.rate_up, down = cell.rate_down;
    const double point = (up * cell.g_high + down * cell.g_low) / (up + down);
    EXPECT_NEAR(cell.g, point, 2.0 * std::max(up, down) * 10.0_uS);
  }
}

TEST(PulsedDevices, CycleNoiseIsThatOfASumOfSteps) {
  // c steps with 30 % each: mean c, standard deviation 0.3 sqrt(c); middle of the range, far from bounds.
  ConstantStep::Params p;
  p.step_spread_scale = p.asymmetry_spread_scale = p.bound_spread_scale = 0.0f;
  for (const float count : {1.0f, 4.0f, 25.0f}) {
    Moments moved;
    for (std::uint32_t i = 0; i < kDevices; ++i) {
      auto cell = new_cells<ConstantStep>(p, 1).front();
      Rng<float> rng(RngKey(12, Purpose::pulse_steps), i);
      ConstantStep::pulse(p, cell, true, count, rng.normal());
      moved.add((cell.g - 15.0_uS) / p.step);
    }
    const double sigma = 0.3 * std::sqrt(count), error = 5.0 * sigma / std::sqrt(double(kDevices));
    EXPECT_NEAR(moved.mean(), count, error + 1e-3);
    EXPECT_NEAR(moved.sigma(), sigma, error);
  }
}

TEST(PulsedDevices, GokmenAndVlasovsDeviceHasThePublishedSpread) {
  const auto p = std::get<ConstantStep::Params>(device_from_preset("gokmen-vlasov"));
  EXPECT_NEAR(p.step / (p.g_max - p.g_min), 0.0016 / 1.2, 1e-7);
  EXPECT_EQ(p.step_spread, 0.3f);
  EXPECT_EQ(p.cycle_noise, 0.3f);
  EXPECT_EQ(p.bound_spread, 0.3f);
  EXPECT_EQ(p.asymmetry, 0.0f);
  const ConstantStep::Params defaults;
  EXPECT_NEAR(defaults.step / (defaults.g_max - defaults.g_min), 0.001 / 1.2, 1e-7);
}

}  // namespace
}  // namespace mq
