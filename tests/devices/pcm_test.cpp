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

}  // namespace
}  // namespace mq
