/// The law of each step device against its formula in double precision, and what differs between devices and
/// between cycles.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "step_samples.h"

namespace mq {
namespace {

constexpr std::uint32_t kDevices = 20000;

/// Compares one pulse with `step(cell, g, is_up)` [S] at places all over the range of different devices.
template <class Model, class Step>
void expect_law(typename Model::Params p, Step step) {
  p.cycle_noise_scale = 0.0f;
  for (const auto& cell : new_cells<Model>(p, 200)) {
    for (const bool is_up : {true, false}) {
      for (const double place : {0.0, 0.1, 0.37, 0.5, 0.9, 1.0}) {
        const auto g = static_cast<float>(cell.g_low + place * (double(cell.g_high) - cell.g_low));
        const double expected = g + (is_up ? 1.0 : -1.0) * std::max(step(cell, g, is_up), 0.0);
        EXPECT_NEAR((pulsed<Model>(p, cell, g, is_up)),
                    std::clamp(expected, double(cell.g_low), double(cell.g_high)), 3e-7 * p.g_max)
            << Model::kName << " at " << place;
      }
    }
  }
}

TEST(StepLaws, LinearStepsFallAlongTheRange) {
  LinearStep::Params p;
  p.step = 0.5_uS;
  p.gamma_spread_scale = 0.0f;
  for (const BoundReference reference : {BoundReference::mean, BoundReference::device}) {
    p.bound_reference = reference;
    const double zero = zero_of(p);
    expect_law<LinearStep>(p, [&](const auto& cell, double g, bool is_up) {
      const bool is_mean = reference == BoundReference::mean;
      const double high = (is_mean ? p.g_max : cell.g_high) - zero,
                   low = zero - (is_mean ? p.g_min : cell.g_low);
      // A step never exceeds the way to the bound at weight 0.
      return is_up
                 ? cell.step_up * (1.0 - p.gamma_up * (g - zero) / std::max(high, double(cell.step_up)))
                 : cell.step_down * (1.0 + p.gamma_down * (g - zero) / std::max(low, double(cell.step_down)));
    });
  }
}

TEST(StepLaws, LinearStepsWithSlopeOneAreSoftBounds) {
  LinearStep::Params linear = all_scales_off<LinearStep::Params>();
  linear.gamma_up = linear.gamma_down = 1.0f;
  linear.bound_reference = BoundReference::device;
  SoftBounds::Params soft = all_scales_off<SoftBounds::Params>();
  static_cast<StepParams&>(soft) = linear;
  const auto a = new_cells<LinearStep>(linear, 1).front();
  const auto b = new_cells<SoftBounds>(soft, 1).front();
  for (const float g : {10.0_uS, 13.0_uS, 19.0_uS}) {
    for (const bool is_up : {true, false}) {
      EXPECT_NEAR((pulsed<LinearStep>(linear, a, g, is_up)), (pulsed<SoftBounds>(soft, b, g, is_up)), 1e-12);
    }
  }
}

TEST(StepLaws, PowerStepsArePowersOfTheWayToTheBound) {
  PowerStep::Params p;
  p.step = 0.5_uS;
  p.gamma = 1.7f;
  p.gamma_asymmetry = 0.2f;
  expect_law<PowerStep>(p, [&](const auto& cell, double g, bool is_up) {
    const double range = double(cell.g_high) - cell.g_low;
    return is_up ? cell.step_up * std::pow((cell.g_high - g) / range, double(cell.gamma_up))
                 : cell.step_down * std::pow((g - cell.g_low) / range, double(cell.gamma_down));
  });
  p.gamma_spread_scale = 0.0f;
  const auto cell = new_cells<PowerStep>(p, 1).front();
  EXPECT_FLOAT_EQ(cell.gamma_up, 1.7f * 1.2f);
  EXPECT_FLOAT_EQ(cell.gamma_down, 1.7f * 0.8f);
}

TEST(StepLaws, ExponentialStepsFallExponentially) {
  ExponentialStep::Params p;
  p.step = 0.05_uS;
  p.amplitude_down = 0.3f;  // steps that end before the bound
  const double zero = zero_of(p);
  expect_law<ExponentialStep>(p, [&](const auto& cell, double g, bool is_up) {
    const double z = 2.0 * p.slope * (g - zero) / (double(cell.g_high) - cell.g_low) + p.offset;
    return is_up ? cell.step_up * (1.0 - p.amplitude_up * std::exp(p.gamma_up * z))
                 : cell.step_down * (1.0 - p.amplitude_down * std::exp(-p.gamma_down * z));
  });
}

TEST(StepLaws, PiecewiseStepsFollowTheirCurves) {
  PiecewiseStep::Params p;
  p.step = 0.3_uS;
  p.up = {4, {0.0f, 0.2f, 0.7f, 1.0f}, {2.0f, 1.1f, 0.4f, 0.0f}};
  p.down = {2, {0.1f, 0.9f}, {0.5f, 1.5f}};
  expect_law<PiecewiseStep>(p, [&](const auto& cell, double g, bool is_up) {
    const double x = (g - cell.g_low) / (double(cell.g_high) - cell.g_low);
    return is_up ? cell.step_up * p.up(x) : cell.step_down * p.down(x);
  });
  p.down.y[1] = -0.1f;
  EXPECT_EQ(p.problem(), "the curves up and down must not be negative");
}

/// Rows with entries that no formula has.
StepTables uneven_tables() {
  std::array<StepTables::Row, 3> up, down;
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t j = 0; j < up[k].size(); ++j) {
      const double z = -3.5 + 0.5 * double(j);
      up[k][j] = static_cast<float>(0.5 + 0.1 * double(k) + std::exp(0.3 * z) + 0.02 * z);
      down[k][j] = static_cast<float>(1.5 - 0.2 * double(k) + 0.4 * z);
    }
  }
  return StepTables::from_rows(up, down);
}

TEST(StepLaws, LookedUpStepsAreLinearBetweenTheEntriesOfTheirTable) {
  LookupStep::Params p;
  p.one_sided = false;
  p.step = 0.1_uS;
  p.changes = uneven_tables();
  const auto cell = new_cells<LookupStep>(p, 1).front();
  for (const bool is_up : {true, false}) {
    for (const double place : {0.01, 0.25, 0.5, 0.66, 0.99}) {
      for (const double z : {-3.5, -1.2, 0.0, 0.3, 2.75, 3.5}) {
        const int row = place < 0.5 ? 0 : 1, level = std::min(static_cast<int>((z + 3.5) * 2.0), 13);
        const double a = place * 2.0 - row, b = (z + 3.5) * 2.0 - level;
        const auto entry = [&](int k, int j) { return double(p.changes.row(k, is_up)[std::size_t(j)]); };
        const auto at = [&](int k) { return (1.0 - b) * entry(k, level) + b * entry(k, level + 1); };
        const double change = p.step * ((1.0 - a) * at(row) + a * at(row + 1));
        const auto g = static_cast<float>(p.g_min + place * (double(p.g_max) - p.g_min));
        EXPECT_NEAR((pulsed<LookupStep>(p, cell, g, is_up, 1.0f, float(z))),
                    std::clamp(g + (is_up ? change : -change), double(p.g_min), double(p.g_max)),
                    5e-7 * p.g_max);
      }
    }
  }
}

TEST(StepLaws, TrainsOfLookedUpStepsHaveTheMeanAndSpreadOfTheSumOfTheirPulses) {
  // 20000 draws from a skewed row: c pulses have c times its mean and sqrt(c) times its spread.
  LookupStep::Params p;
  p.step = 0.1_uS;
  p.changes = uneven_tables();
  const auto cell = new_cells<LookupStep>(p, 1).front();
  const auto moved = [&](float count) {
    Moments m;
    for (std::uint32_t i = 0; i < kDevices; ++i) {
      Rng<float> rng(RngKey(13, Purpose::pulse_steps), i);
      m.add(((pulsed<LookupStep>(p, cell, 5.0_uS, true, count, rng.normal())) - 5.0_uS) / p.step);
    }
    return m;
  };
  const Moments one = moved(1.0f), nine = moved(9.0f);
  const double error = 5.0 * one.sigma() / std::sqrt(double(kDevices));
  const double x = (5.0_uS - p.g_min) / (p.g_max - p.g_min);
  EXPECT_NEAR(one.mean(), p.changes(float(x), true, 0.0f).mean, error);
  EXPECT_NEAR(nine.mean(), 9.0 * one.mean(), 12.0 * error);
  EXPECT_NEAR(nine.sigma(), 3.0 * one.sigma(), 1e-4);
}

TEST(StepLaws, TablesAreRefusedWithTheReason) {
  const auto refused = [](const std::string& changes) {
    try {
      device_from_value(
          parse_toml("device = { model = \"lookup-step\", changes = " + changes + " }", "a.toml")
              .at("device"),
          "device");
    } catch (const ConfigError& error) {
      const std::string message = error.what();
      return message.substr(0, message.find('\n'));
    }
    return std::string("accepted");
  };
  const std::string row = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]";
  EXPECT_EQ(refused("{ up = [" + row + ", " + row + "] }"), "accepted");
  EXPECT_EQ(refused("{ up = [" + row + "] }"),
            "device.changes.up has 1 rows but must have 2 to 16, from the lower to the upper bound");
  EXPECT_EQ(refused("{ up = [" + row + ", [3, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]] }"),
            "device.changes.up[1] falls; its entries are quantiles, from the smallest change to the largest");
  EXPECT_EQ(refused("{ up = [" + row + ", " + row + "], down = [" + row + ", " + row + ", " + row + "] }"),
            "device.changes has 2 rows up but 3 down; give both at the same states");
  EXPECT_EQ(refused("{ down = [" + row + ", " + row + "] }"),
            "device.changes needs `up`, the rows of changes by one pulse up");
}

TEST(StepLaws, ExponentialNoiseHasAPartThatNeitherStepNorConductanceTakesAway) {
  // aihwkit: sigma = cycle_noise (|step| + add + slope |w|); 20000 draws.
  ExponentialStep::Params p = all_scales_off<ExponentialStep::Params>();
  p.cycle_noise_scale = 1.0f;
  p.cycle_noise = 0.6f;
  p.noise_add = 0.2_uS;
  p.noise_slope = 0.1f;
  const auto cell = new_cells<ExponentialStep>(p, 1).front();
  for (const float g : {24.0_uS, 30.0_uS, 35.0_uS}) {
    Moments moved;
    for (std::uint32_t i = 0; i < kDevices; ++i) {
      Rng<float> rng(RngKey(14, Purpose::pulse_steps), i);
      moved.add((pulsed<ExponentialStep>(p, cell, g, true, 1.0f, rng.normal())) - g);
    }
    const double step = (pulsed<ExponentialStep>(p, cell, g, true)) - g;
    const double sigma = 0.6 * (step + 0.2_uS + 0.1 * std::abs(g - zero_of(p)));
    EXPECT_NEAR(moved.mean(), step, 5.0 * sigma / std::sqrt(double(kDevices)));
    EXPECT_NEAR(moved.sigma(), sigma, 5.0 * sigma / std::sqrt(2.0 * kDevices));
  }
}

TEST(StepLaws, NoiseOfTheStepAtZeroStaysWhereStepsHaveVanished) {
  SoftBounds::Params p = all_scales_off<SoftBounds::Params>();
  p.cycle_noise_scale = 1.0f;
  p.cycle_noise_law = CycleNoise::of_zero;
  const auto cell = new_cells<SoftBounds>(p, 1).front();
  EXPECT_NEAR((pulsed<SoftBounds>(p, cell, p.g_max, true, 1.0f, -2.0f)), p.g_max - 2.0 * 0.3 * p.step, 1e-11);
  p.cycle_noise_law = CycleNoise::of_step;
  EXPECT_EQ(static_cast<float>(pulsed<SoftBounds>(p, cell, p.g_max, true, 1.0f, -2.0f)), p.g_max);
}

template <class Model>
class StepFamily : public testing::Test {};
using StepModels = testing::Types<ConstantStep, LinearStep, SoftBounds, PowerStep, ExponentialStep,
                                  PiecewiseStep, LookupStep>;
TYPED_TEST_SUITE(StepFamily, StepModels);

TYPED_TEST(StepFamily, WithoutSpreadAllDevicesAreAlike) {
  const auto cells = new_cells<TypeParam>(all_scales_off<typename TypeParam::Params>(), 50);
  for (const auto& cell : cells) EXPECT_EQ(std::memcmp(&cell, &cells[0], sizeof(cell)), 0);
}

TYPED_TEST(StepFamily, LogNormalStepsHaveTheSpreadOfTheirLogarithm) {
  auto p = all_scales_off<typename TypeParam::Params>();
  p.step_spread_law = StepSpread::log_normal;
  p.step_spread = 0.7f;
  p.step_spread_scale = 1.0f;
  p.asymmetry = 0.0f;
  p.bound_spread_scale = 0.0f;
  if constexpr (requires { p.centred; }) p.centred = false;
  Moments logs, steps;
  for (const auto& cell : new_cells<TypeParam>(p, kDevices)) {
    logs.add(std::log(cell.step_up / p.step));
    steps.add(cell.step_up / p.step);
  }
  const double root = std::sqrt(double(kDevices));
  EXPECT_NEAR(logs.mean(), 0.0, 5.0 * 0.7 / root);
  EXPECT_NEAR(logs.sigma(), 0.7, 5.0 * 0.7 / root / std::sqrt(2.0));
  const auto without = [&] {
    auto q = p;
    q.step_spread_scale = 0.0f;
    return TypeParam::mean_step(q);
  }();
  EXPECT_NEAR(TypeParam::mean_step(p) / without, steps.mean(), 5.0 * steps.sigma() / root);
}

TYPED_TEST(StepFamily, ATrainScalesMeanWithItsPulsesAndSpreadWithTheirRoot) {
  auto p = all_scales_off<typename TypeParam::Params>();
  p.cycle_noise_scale = 1.0f;
  p.one_sided = false;
  p.step = std::min(p.step, 0.01f * (p.g_max - p.g_min));
  p.cycle_noise = 0.3f;
  const auto cell = new_cells<TypeParam>(p, 1).front();
  const float g = 0.5f * (p.g_min + p.g_max);
  for (const bool is_up : {true, false}) {
    const double one = pulsed<TypeParam>(p, cell, g, is_up) - g,
                 noise = pulsed<TypeParam>(p, cell, g, is_up, 1.0f, 1.0f) - g - one;
    const double four = pulsed<TypeParam>(p, cell, g, is_up, 4.0f, 1.0f) - g;
    EXPECT_NEAR(four, 4.0 * one + 2.0 * noise, 1e-6 * g);
  }
}

TYPED_TEST(StepFamily, Traps599And604And635WhatACellKeepsStaysWithinItsBounds) {
  // aihwkit threads 599, 604, 635: weights outside [w_min, w_max].
  typename TypeParam::Params p;
  p.cycle_noise = 50.0f;
  p.one_sided = false;
  for (auto cell : new_cells<TypeParam>(p, 500)) {
    for (int n = 0; n < 20; ++n) {
      TypeParam::template pulse<float>(p, cell, n % 2 == 0, 31.0f, n % 3 == 0 ? 5.0f : -5.0f);
      ASSERT_GE(cell.g, cell.g_low);
      ASSERT_LE(cell.g, cell.g_high);
    }
    EXPECT_GE(cell.g_low, 0.0f);
  }
}

TYPED_TEST(StepFamily, Traps755And761ANegativeResetIsNotCutAtWeightZero) {
  auto p = all_scales_off<typename TypeParam::Params>();
  p.g_min = 10.0_uS, p.g_max = 20.0_uS;
  p.zero = 0.5f;
  p.reset = -2.0_uS;
  EXPECT_FLOAT_EQ(new_cells<TypeParam>(p, 1).front().g, 13.0_uS);
  p.reset_spread = 0.3_uS, p.reset_noise = 0.4_uS;
  p.reset_scale = 1.0f;
  Moments g;
  for (const auto& cell : new_cells<TypeParam>(p, kDevices)) g.add(cell.g);
  EXPECT_NEAR(g.mean(), 13.0_uS, 5.0 * 0.5_uS / std::sqrt(double(kDevices)));
  EXPECT_NEAR(g.sigma(), 0.5_uS, 5.0 * 0.5_uS / std::sqrt(2.0 * kDevices));
}

TYPED_TEST(StepFamily, WriteNoiseShowsButIsNotKept) {
  auto p = all_scales_off<typename TypeParam::Params>();
  p.write_noise = 2.0f;
  auto cell = new_cells<TypeParam>(p, 1).front();
  cell.g = 0.5f * (p.g_min + p.g_max);
  EXPECT_EQ(TypeParam::template read<float>(p, cell, Moment<float>{}, 1.0f), cell.g);
  EXPECT_EQ(TypeParam::read_noise(p), 0.0f);
  p.write_noise_scale = 1.0f;
  EXPECT_EQ(TypeParam::read_noise(p), 2.0f);
  EXPECT_NEAR(TypeParam::template read<float>(p, cell, Moment<float>{}, 0.5f), cell.g + p.step,
              1e-6 * cell.g);
  const float before = cell.writes;
  TypeParam::template pulse<float>(p, cell, true, 0.0f, 0.0f);
  EXPECT_EQ(cell.writes, before);
  TypeParam::template pulse<float>(p, cell, true, 3.0f, 0.0f);
  EXPECT_EQ(TypeParam::template writes<float>(cell), before + 1.0f);
  cell.writes = 1048575.0f;
  TypeParam::template pulse<float>(p, cell, true, 1.0f, 0.0f);
  EXPECT_EQ(cell.writes, 0.0f);
}

TYPED_TEST(StepFamily, OfAOneSidedDevicePulsesDownDoNothing) {
  typename TypeParam::Params p;
  p.one_sided = true;
  for (auto cell : new_cells<TypeParam>(p, 50)) {
    const auto before = cell;
    TypeParam::template pulse<float>(p, cell, false, 7.0f, 1.0f);
    EXPECT_EQ(std::memcmp(&cell, &before, sizeof(cell)), 0);
  }
}

TEST(StepLaws, Trap13TheGranularityTakesTheUpStepAndTheDownStepOnceEach) {
  // aihwkit's ExpStep takes the down step twice.
  const auto p = all_scales_off<ExponentialStep::Params>();
  const auto cell = new_cells<ExponentialStep>(p, 1).front();
  const double up = pulsed<ExponentialStep>(p, cell, cell.g, true) - cell.g,
               down = cell.g - pulsed<ExponentialStep>(p, cell, cell.g, false);
  EXPECT_GT(std::abs(up - down), 0.02 * down);
  EXPECT_NEAR(ExponentialStep::mean_step(p), 0.5 * (up + down), 1e-3 * up);
}

TEST(SoftBounds, ACentredDeviceHasItsSymmetryPointAtWeightZeroButForTheReferenceError) {
  SoftBounds::Params p;
  p.centred = true;
  p.asymmetry = 0.3f;
  const auto error_of = [&](const auto& cell) {
    const double up = cell.rate_up, down = cell.rate_down;
    return (up * cell.g_high + down * cell.g_low) / (up + down) - zero_of(p);
  };
  for (const auto& cell : new_cells<SoftBounds>(p, 500)) {
    EXPECT_NEAR(error_of(cell), 0.0, 1e-6 * p.g_max);
    EXPECT_NEAR(cell.step_up, cell.step_down, 1e-4 * p.step);
  }
  p.reference_offset = 0.1f;
  p.reference_spread = 0.05f;
  p.bound_spread = 0.1f;
  Moments errors;
  for (const auto& cell : new_cells<SoftBounds>(p, kDevices)) errors.add(error_of(cell) / 5.0_uS);
  EXPECT_NEAR(errors.mean(), 0.1, 5.0 * 0.05 / std::sqrt(double(kDevices)));
  EXPECT_NEAR(errors.sigma(), 0.05, 5.0 * 0.05 / std::sqrt(2.0 * kDevices));
}

TEST(SoftBounds, TheMeanStepOfACentredDeviceIsThatAtItsSymmetryPoint) {
  auto p = all_scales_off<SoftBounds::Params>();
  p.centred = true;
  p.zero = 0.375f;
  p.asymmetry = -0.4f;
  const auto cell = new_cells<SoftBounds>(p, 1).front();
  EXPECT_NEAR(SoftBounds::mean_step(p), cell.step_up, 1e-5 * p.step);
}

}  // namespace
}  // namespace mq
