#include "meltquench/devices/temperature.h"

#include <gtest/gtest.h>

#include <cmath>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "pcm_samples.h"

namespace mq {
namespace {

TEST(Temperature, HeatIsTheDifferenceOfInverseTemperatures) {
  // k_B = 8.617333262e-5 eV/K (CODATA 2018): 1/(k_B 300 K) = 38.6817 1/eV, 1/(k_B 358 K) = 32.4148 1/eV.
  EXPECT_NEAR(inverse_heat(358.0, 300.0), 32.4148 - 38.6817, 1e-3);
  EXPECT_EQ(inverse_heat(300.0, 300.0), 0.0);
}

TEST(Temperature, TimeCountsFasterWhereItIsWarm) {
  TemperatureParams warm;
  warm.profile = {1, {0.0f}, {330.0f}};
  const double speed = std::exp(-0.5 * inverse_heat(330.0, 300.0));
  EXPECT_GT(speed, 1.0);
  EXPECT_NEAR(effective_seconds(warm, 0.5, 300.0, 10.0, 110.0), 100.0 * speed, 1e-9 * speed);
  EXPECT_EQ(effective_seconds(warm, 0.0, 300.0, 10.0, 110.0), 100.0);
  EXPECT_EQ(effective_seconds({}, 0.5, 300.0, 0.0, 3600.0), 3600.0);
}

TEST(Temperature, PiecesOfAProfileAddUp) {
  TemperatureParams oven;
  oven.profile = {4, {100.0f, 200.0f, 5000.0f, 5100.0f}, {300.0f, 358.0f, 358.0f, 300.0f}};
  const double whole = effective_seconds(oven, 0.3, 300.0, 0.0, 6000.0);
  double pieces = 0.0;
  for (int i = 0; i < 60; ++i) pieces += effective_seconds(oven, 0.3, 300.0, 100.0 * i, 100.0 * (i + 1));
  EXPECT_NEAR(pieces / whole, 1.0, 1e-8);
  // Oracle: the midpoint rule with a million steps.
  double sum = 0.0;
  constexpr int kSteps = 1'000'000;
  for (int i = 0; i < kSteps; ++i) {
    sum += std::exp(-0.3 * inverse_heat(oven.at((i + 0.5) * 6000.0 / kSteps), 300.0)) * 6000.0 / kSteps;
  }
  EXPECT_NEAR(whole / sum, 1.0, 1e-6);
}

TEST(Temperature, ColdAndWarmReadsDifferByTheActivationEnergy) {
  Pcm::Params params;
  params.activation = {.split = 0.0f, .polynomial = {0.2f, 0.0f, 0.0f, 0.0f}};
  const Pcm::Cell<float> cell{.g = 5.0_uS, .nu = 0.0f, .q = 0.0f, .age = 0.0f};
  auto moment = Pcm::at(params, 0.0).rounded<float>();
  const double cold = Pcm::conductance(params, cell, moment);
  moment.inverse_heat = static_cast<float>(inverse_heat(340.0, 300.0));
  const double warm = Pcm::conductance(params, cell, moment);
  EXPECT_NEAR(std::log(warm / cold), -0.2 * inverse_heat(340.0, 300.0), 1e-5);
}

TEST(Temperature, NothingIsBelowAbsoluteZero) {
  TemperatureParams cold;
  try {
    from_value(cold, parse_toml("profile = { x = [\"0 s\"], y = [\"0 K\"] }", "run.toml"), "temperature");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("temperatures must be above 0 K"), std::string::npos);
  }
}

}  // namespace
}  // namespace mq
