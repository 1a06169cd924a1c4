#include "meltquench/devices/correlated_noise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "meltquench/core/error.h"

namespace mq {
namespace {

/// One-sided spectrum of the processes at `f`, relative to q^2, all of them with memory.
double spectrum(const NoiseProcesses& processes, double f) {
  const double omega = 2.0 * std::numbers::pi * f;
  double sum = 0.0;
  for (int k = 0; k < processes.count; ++k) {
    const double rate = processes.rate[k];
    sum += 4.0 * processes.weight * processes.weight * rate / (rate * rate + omega * omega);
  }
  return sum;
}

/// From 1e-5 Hz to 2e6 Hz, every process with memory.
CellNoiseParams whole_band() { return {.correlated = true, .longest = 1e5, .resolution = 1e-9}; }
constexpr double kReadPulse = 250e-9;

TEST(CorrelatedNoise, IsOneOverF) {
  // From one and from one and a half decades inside the band of 11.3 on, as the header says.
  const NoiseProcesses processes = noise_processes(whole_band(), kReadPulse);
  const double low = 1e-5, high = 0.5 / kReadPulse, further = 10.0 * std::sqrt(10.0);
  double worst_inside = 0.0, worst_outside = 0.0;
  for (double f = 10.0 * low; f <= high / 10.0; f *= 1.01) {
    const double deviation = std::abs(spectrum(processes, f) * f - 1.0);
    const bool is_inside = f >= further * low && f <= high / further;
    (is_inside ? worst_inside : worst_outside) =
        std::max(is_inside ? worst_inside : worst_outside, deviation);
  }
  EXPECT_LT(worst_inside, 0.02);
  EXPECT_LT(worst_outside, 0.07);
  EXPECT_NEAR(spectrum(processes, 0.5 / kReadPulse) * 0.5 / kReadPulse, 0.5, 0.01) << "the end of the band";
}

TEST(CorrelatedNoise, HasExactlyTheIntegratedVariance) {
  for (const double resolution : {1e-9, 1e-3, 1.0, 100.0}) {
    CellNoiseParams params = whole_band();
    params.resolution = resolution;
    const NoiseProcesses p = noise_processes(params, kReadPulse);
    const double variance = p.count * p.weight * p.weight + p.white * p.white;
    EXPECT_NEAR(variance, std::log(1e5 * 0.5 / kReadPulse), 1e-12 * variance) << resolution;
  }
}

TEST(CorrelatedNoise, KeepsOnlyProcessesThatRemember) {
  CellNoiseParams params = whole_band();
  params.resolution = 1.0;
  const NoiseProcesses p = noise_processes(params, kReadPulse);
  EXPECT_GT(p.count, 8);
  EXPECT_LT(p.count, 15);
  for (int k = 0; k < p.count; ++k) EXPECT_LE(p.rate[k], 10.0);
  for (int k = 1; k < p.count; ++k) EXPECT_NEAR(p.rate[k] / p.rate[k - 1], std::sqrt(10.0), 0.2);
}

TEST(CorrelatedNoise, RefusesWhatItCannotHold) {
  CellNoiseParams params = whole_band();
  params.longest = 1e10;
  EXPECT_THROW(noise_processes(params, kReadPulse), ConfigError);  // 33 processes
  params.longest = 4e-7;
  EXPECT_THROW(noise_processes(params, kReadPulse), ConfigError);
}

TEST(TelegraphNoise, DrawsStepsAndDwellTimesOfItsLaw) {
  // n = 2e5 cells. ln(step) is normal, ln(dwell time) uniform, a share of 30 % has a defect at all.
  CellNoiseParams params{.correlated = true, .telegraph_share = 0.3};
  const TelegraphLaw law(params);
  constexpr int kCells = 200'000;
  double defects = 0, steps = 0, squares = 0, dwell = 0;
  for (std::uint32_t i = 0; i < kCells; ++i) {
    Rng<float> device(RngKey(3, Purpose::fabrication), i, 2u);
    const TelegraphCell<float> cell = law.draw(device);
    dwell -= std::log(cell.up);
    EXPECT_GE(cell.down, 1.0 / 3600.0 * 0.999);
    EXPECT_LE(cell.down, 1e3 * 1.001);
    if (cell.step == 0.0f) continue;
    const double log_step = std::log(cell.step / 5.0);
    ++defects, steps += log_step, squares += log_step * log_step;
  }
  EXPECT_NEAR(defects / kCells, 0.3, 5.0 * std::sqrt(0.21 / kCells));
  EXPECT_NEAR(steps / defects, 0.0, 5.0 * 0.5 / std::sqrt(defects));
  EXPECT_NEAR(squares / defects, 0.25, 5.0 * 0.25 * std::sqrt(2.0 / defects));
  const double low = std::log(1e-3), high = std::log(3600.0);
  EXPECT_NEAR(dwell / kCells, 0.5 * (low + high), 5.0 * (high - low) / std::sqrt(12.0 * kCells));
}

TEST(TelegraphNoise, ForgetsWithTheSumOfItsRates) {
  const TelegraphCell<double> exact{.step = 1.0, .up = 0.2, .down = 0.6};
  const TelegraphCell<float> cell{.step = 1.0f, .up = 0.2f, .down = 0.6f};
  EXPECT_NEAR(cell.occupancy(), 0.25, 1e-7);
  for (const double seconds : {0.0, 0.5, 3.0, 100.0}) {
    const double decay = std::exp(-0.8 * seconds);
    EXPECT_NEAR(cell.probability(1.0f, float(seconds)), 0.25 + 0.75 * decay, 1e-6);
    EXPECT_NEAR(cell.probability(0.0f, float(seconds)), 0.25 - 0.25 * decay, 1e-6);
  }
  EXPECT_NEAR(exact.occupancy(), 0.25, 1e-15);
}

}  // namespace
}  // namespace mq
