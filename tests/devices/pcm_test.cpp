#include "meltquench/devices/pcm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "pcm_samples.h"

namespace mq {
namespace {

TEST(Pcm, ReproducesTheTableOfTheAihwkitModel) {
  // Mean and standard deviation [uS] of 4e5 cells, computed independently from the equations of aihwkit's
  // PCMLikeNoiseModel. Both sides are samples: 5 sqrt(2) standard errors, plus half a unit of the last
  // printed digit.
  constexpr std::uint32_t kCells = 400'000;
  constexpr double kTimes[] = {1.0, kHour, kDay, kMonth, kYear};
  struct Row {
    double g_target, mean_unit, mean[5], deviation[5];
  };
  const Row table[] = {
      {0.5, 1e-3, {.506, .333, .264, .210, .179}, {.363, .265, .233, .208, .195}},
      {2.5, 1e-3, {2.493, 1.843, 1.538, 1.277, 1.117}, {.606, .528, .512, .504, .497}},
      {6.25, 1e-3, {6.235, 4.854, 4.167, 3.542, 3.147}, {.884, .786, .763, .744, .735}},
      {12.5, 1e-3, {12.470, 9.700, 8.309, 7.051, 6.253}, {1.193, 1.056, 1.027, 1.008, .991}},
      {25.0, 1e-2, {24.94, 19.40, 16.63, 14.11, 12.51}, {1.400, 1.410, 1.515, 1.607, 1.652}},
  };
  const Pcm::Params params = pcm("pcm-like");
  const double errors = 5.0 * std::numbers::sqrt2;
  for (const Row& row : table) {
    const auto cells = programmed(params, static_cast<float>(row.g_target * kMicro), kCells);
    for (int t = 0; t < 5; ++t) {
      const Sample s = sample_of(read_all(params, cells, kTimes[t]));
      EXPECT_NEAR(s.mean, row.mean[t], errors * s.error_of_mean() + row.mean_unit / 2)
          << row.g_target << " uS, " << kTimes[t] << " s";
      EXPECT_NEAR(s.deviation, row.deviation[t], errors * s.error_of_deviation() + 0.5e-3)
          << row.g_target << " uS, " << kTimes[t] << " s";
    }
  }
}

TEST(Pcm, LosesConductanceAsAPowerOfTime) {
  const Pcm::Params params;
  for (const float nu : {0.0f, 0.017f, 0.05f, 0.13f}) {
    const Pcm::Cell<float> cell{.g = 10.0_uS, .nu = nu, .q = 0.0f, .age = 0.0f};
    for (const double time : {0.0, 1.0, kHour, kDay, kYear, 100 * kYear}) {
      const double exact = 10.0 * std::pow((time + 20.0) / 20.0, -nu);
      const double g = Pcm::conductance(params, cell, Pcm::at(params, time).rounded<float>()) / kMicro;
      EXPECT_NEAR(g / exact, 1.0, 1e-6) << nu << ", " << time;
    }
  }
}

TEST(Pcm, TheMeanDecayIsTheOneOfTheMeanExponent) {
  const Pcm::Params params;
  const double times[] = {1.0, kHour, kDay, kMonth, kYear}, expected[] = {.9976, .7751, .6635, .5617, .4969};
  for (int t = 0; t < 5; ++t) {
    const Pcm::Cell<float> cell{.g = 1.0f, .nu = 0.049f, .q = 0.0f, .age = 0.0f};
    EXPECT_NEAR(Pcm::conductance(params, cell, Pcm::at(params, times[t]).rounded<float>()), expected[t],
                0.5e-4);
  }
}

TEST(Pcm, ReadNoiseGrowsWithTheSquareRootOfTheLogarithmOfTime) {
  const Pcm::Params params;
  const double times[] = {1.0, kHour, kDay, kMonth, kYear}, expected[] = {4.190, 4.765, 5.087, 5.411, 5.637};
  for (int t = 0; t < 5; ++t) EXPECT_NEAR(Pcm::at(params, times[t]).noise_growth, expected[t], 0.5e-3);
  EXPECT_FLOAT_EQ(params.read_noise(1.0f), 0.0088f);
}

TEST(Pcm, CompensationLeavesTheSpreadOfTheExponents) {
  // With only the spread of nu switched on, cells at g_max end up sigma_nu ln(tau/t0) apart relative to their
  // mean, which is what a common factor cannot undo. 4e5 cells: one standard error is 0.11 %.
  Pcm::Params params;
  params.prog_noise_scale = params.read_noise_scale = 0.0f;
  const auto cells = programmed(params, params.g_max, 400'000);
  for (const double time : {kHour, kDay, kMonth, kYear}) {
    const Sample s = sample_of(read_all(params, cells, time));
    const double residual = 0.008 * std::log((time + 20.0) / 20.0);
    EXPECT_NEAR(s.deviation / s.mean / residual, 1.0, 0.01) << time;
  }
}

TEST(Pcm, ProgrammingNoiseScalesWithTheRangeOfConductance) {
  // g_reference says for which range the polynomial was measured: half the range, half the noise.
  Pcm::Params half;
  half.g_max = 12.5_uS;
  half.nu_sigma_scale = half.nu_mean_scale = half.read_noise_scale = 0.0f;
  const Sample s = sample_of(read_all(half, programmed(half, 6.25_uS, 100'000), 0.0));
  const double expected = 0.5 * (0.26348 + 1.9650 * 0.5 - 1.1731 * 0.25);
  EXPECT_NEAR(s.deviation, expected, 5.0 * s.error_of_deviation());
}

TEST(Pcm, ANewCellIsResetAndStaysSo) {
  const Pcm::Params params;
  Rng<float> rng(RngKey(1, Purpose::fabrication), 0u);
  const auto cell = Pcm::fabricate(params, rng);
  EXPECT_EQ(cell.g, 0.0f);
  for (const double time : {0.0, kYear}) {
    EXPECT_EQ(Pcm::read(params, cell, Pcm::at(params, time).rounded<float>(), 1.0f), 0.0f);
  }
}

TEST(Pcm, EachWriteDrawsAnExponentOfItsOwn) {
  const Pcm::Params params;
  const auto first = programmed(params, 10.0_uS, 1, 1), second = programmed(params, 10.0_uS, 1, 2);
  EXPECT_NE(first[0].nu, second[0].nu);
  EXPECT_GT(first[0].nu, 0.0f);
}

/// Correlation, over 1e5 cells, of what `of` says about two programmings of the same cells.
template <class Of>
double correlation_of_programmings(const Pcm::Params& params, Of of) {
  constexpr std::uint32_t kCells = 100'000;
  std::vector<double> first(kCells), second(kCells);
  for (std::uint32_t i = 0; i < kCells; ++i) {
    Pcm::Cell<float> cell{};
    for (const bool again : {false, true}) {
      Rng<float> device(RngKey(1, Purpose::fabrication), i, 1u);
      Rng<float> rng(RngKey(again ? 2 : 1, Purpose::programming), i);
      Pcm::program(params, cell, params.g_max / 2, device, rng);
      (again ? second : first)[i] = of(cell);
    }
  }
  const Sample a = sample_of(first), b = sample_of(second);
  double sum = 0.0;
  for (std::uint32_t i = 0; i < kCells; ++i) sum += (first[i] - a.mean) * (second[i] - b.mean) / kCells;
  return sum / (a.deviation * b.deviation);
}

TEST(Pcm, SharesSplitSpreadIntoDeviceAndCycle) {
  // What two programmings of a cell have in common is the share of the device: a correlation whose standard
  // error is below 1 / sqrt(1e5) = 0.32 %. The spread as a whole stays what it was.
  for (const float share : {0.0f, 0.4f, 1.0f}) {
    Pcm::Params params;
    params.prog_noise_device_share = params.nu_device_share = params.read_noise_device_share = share;
    params.read_noise_spread = 0.3f;
    params.nu_sigma_scale = 0.5f;  // keeps nu away from 0, where |nu| would bend the law
    constexpr double kError = 5.0 * 0.0032;
    EXPECT_NEAR(correlation_of_programmings(params, [](auto c) { return c.g; }), share, kError);
    EXPECT_NEAR(correlation_of_programmings(params, [](auto c) { return c.nu; }), share, kError);
    // q depends on g a little: the ratio to its law is what was drawn.
    const auto log_q = [&](auto c) { return std::log(c.q / params.read_noise(c.g / params.g_max)); };
    EXPECT_NEAR(correlation_of_programmings(params, log_q), share, kError);

    std::vector<double> g, logs;
    for (const auto& cell : programmed(params, params.g_max / 2, 100'000)) {
      g.push_back(cell.g / kMicro);
      logs.push_back(log_q(cell));
    }
    const Sample written = sample_of(g), amplitudes = sample_of(logs);
    EXPECT_NEAR(written.deviation, 0.26348 + 1.9650 * 0.5 - 1.1731 * 0.25, 5 * written.error_of_deviation());
    EXPECT_NEAR(amplitudes.deviation, 0.3, 5 * amplitudes.error_of_deviation());
    EXPECT_NEAR(amplitudes.mean, 0.0, 5 * amplitudes.error_of_mean());
  }
}

TEST(Pcm, ALinerTakesItsShareOfDriftAndNoise) {
  Pcm::Params params;
  params.projection = 0.7f;
  const Pcm::Cell<float> cell{.g = 10.0_uS, .nu = 0.05f, .q = 0.01f, .age = 0.0f};
  for (const double time : {0.0, kHour, kYear}) {
    const auto moment = Pcm::at(params, time).rounded<float>();
    const double decay = std::pow((time + 20.0) / 20.0, -0.05), g = Pcm::conductance(params, cell, moment);
    EXPECT_NEAR(g / 10e-6, 0.7 + 0.3 * decay, 1e-6);
    const double noise = Pcm::read(params, cell, moment, 1.0f) - g;
    EXPECT_NEAR(noise / 10e-6, 0.3 * decay * 0.01 * moment.noise_growth, 1e-6);
  }
  // To first order the exponent shrinks by the share of the amorphous path.
  const auto moment = Pcm::at(params, 20.0).rounded<float>();
  EXPECT_NEAR(-std::log(Pcm::conductance(params, cell, moment) / 10e-6) / std::log(2.0), 0.3 * 0.05, 3e-4);
}

TEST(Pcm, ACellMayHaveAnAgeOfItsOwn) {
  const Pcm::Params params;
  for (const float age : {0.0f, 5.0f, 1e5f}) {
    EXPECT_NEAR(Pcm::at(params, 100.0f + age).log_age, Pcm::at(params, 100.0 + age).log_age, 2e-6);
    EXPECT_NEAR(Pcm::at(params, 100.0f + age).noise_growth, Pcm::at(params, 100.0 + age).noise_growth, 2e-6);
  }
}

}  // namespace
}  // namespace mq
