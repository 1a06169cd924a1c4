#include "meltquench/devices/pcm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "meltquench/devices/device.h"

namespace mq {
namespace {

constexpr double kHour = 3600.0, kDay = 86400.0, kMonth = 30 * kDay, kYear = 365 * kDay;
constexpr double kMicro = 1e-6;

Pcm::Params pcm(std::string_view preset) { return std::get<Pcm::Params>(device_from_preset(preset)); }

struct Sample {
  double n = 0.0, mean = 0.0, deviation = 0.0,
         fourth = 0.0;  ///< fourth: central moment over variance squared

  double error_of_mean() const { return deviation / std::sqrt(n); }
  double error_of_deviation() const { return deviation * std::sqrt((fourth - 1.0) / (4.0 * n)); }
};

Sample sample_of(const std::vector<double>& values) {
  Sample s{.n = static_cast<double>(values.size())};
  for (const double v : values) s.mean += v / s.n;
  double second = 0.0;
  for (const double v : values)
    second += std::pow(v - s.mean, 2) / s.n, s.fourth += std::pow(v - s.mean, 4) / s.n;
  s.deviation = std::sqrt(second);
  s.fourth /= second * second;
  return s;
}

std::vector<Pcm::Cell<float>> programmed(const Pcm::Params& params, float g_target, std::uint32_t cells,
                                         std::uint64_t seed = 1) {
  std::vector<Pcm::Cell<float>> all(cells);
  for (std::uint32_t i = 0; i < cells; ++i) {
    Rng<float> rng(RngKey(seed, Purpose::programming), i);
    Pcm::program(params, all[i], g_target, rng);
  }
  return all;
}

/// Conductances in uS at `time`.
std::vector<double> read_all(const Pcm::Params& params, const std::vector<Pcm::Cell<float>>& cells,
                             double time) {
  const Moment moment = Pcm::at(params, time);
  std::vector<double> g(cells.size());
  for (std::uint32_t i = 0; i < cells.size(); ++i) {
    Rng<float> rng(RngKey(1, Purpose::read_noise).at_moment(static_cast<std::uint64_t>(time)), i);
    g[i] = Pcm::read(params, cells[i], moment, rng) / kMicro;
  }
  return g;
}

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

/// The published laws in double precision, written down a second time.
struct Law {
  std::function<double(double)> prog_noise, nu_mean, nu_sigma, read_noise;  ///< uS, 1, 1, 1, over x
  double g_max, t0, t_read;                                                 ///< uS, s, s
};

double clip(double value, double low, double high) { return std::min(std::max(value, low), high); }

Law law_of(std::string_view preset) {
  const auto nu_hermes = [](double x) {
    return x < 0.0945 ? clip(-0.0387 * std::log(x) - 0.0182, 0.072, 0.13)
                      : 0.0736 - 0.0126 * x - 0.0436 * x * x;
  };
  if (preset == "pcm-like") {
    return {[](double x) { return 0.26348 + 1.9650 * x - 1.1731 * x * x; },
            [](double x) { return clip(-0.0155 * std::log(x) + 0.0244, 0.049, 0.1); },
            [](double x) { return clip(-0.0125 * std::log(x) - 0.0059, 0.008, 0.045); },
            [](double x) { return std::min(0.0088 / std::max(std::pow(x, 0.65), 1e-3), 0.2); },
            25.0,
            20.0,
            250e-9};
  }
  if (preset == "hermes-1") {
    return {[](double x) { return .15781817 + 2.32443916 * x - 2.16310839 * x * x + .68841818 * x * x * x; },
            nu_hermes,
            [](double x) {
              return x < .3039 ? clip(-.0120 * std::log(x) - .0023, .0124, .04)
                               : .0104 + .0116 * x - .0165 * x * x;
            },
            [](double x) {
              return x < .1591 ? clip(-.0078 * std::log(x) + .0038, .0179, .04)
                               : .0088 + .0768 * x - .1352 * x * x + .0664 * x * x * x;
            },
            10.35,
            200.0,
            512e-9};
  }
  return {[](double x) { return .16603222 + 4.71806468 * x - 8.48101252 * x * x + 4.68961419 * x * x * x; },
          nu_hermes,
          [](double x) {
            return x < .3055 ? clip(-.0117 * std::log(x) - .0057, .0091, .04)
                             : .0073 + .0093 * x - .0118 * x * x;
          },
          [](double x) {
            return x < .16 ? clip(-.0117 * std::log(x) - .0069, .015, .04)
                           : .0123 + .0211 * x - .0280 * x * x + .0069 * x * x * x;
          },
          20.7,
          300.0,
          512e-9};
}

/// Mean of f(xi) over a standard normal xi, by the trapezoidal rule (exact to rounding for smooth f).
double over_normals(const std::function<double(double)>& f) {
  double sum = 0.0;
  for (int i = -800; i <= 800; ++i) {
    const double xi = i / 100.0;
    sum += f(xi) * std::exp(-xi * xi / 2.0);
  }
  return sum / 100.0 / std::sqrt(2.0 * std::numbers::pi);
}

class Presets : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, Presets, testing::Values("pcm-like", "hermes-1", "hermes-2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(Presets, HaveThePublishedLaws) {
  const Pcm::Params params = pcm(GetParam());
  const Law law = law_of(GetParam());
  EXPECT_FLOAT_EQ(params.g_max, static_cast<float>(law.g_max * kMicro));
  EXPECT_EQ(params.g_reference, params.g_max);
  EXPECT_FLOAT_EQ(params.t0, static_cast<float>(law.t0));
  EXPECT_FLOAT_EQ(params.t_read, static_cast<float>(law.t_read));
  for (int i = 1; i <= 200; ++i) {
    const float x = static_cast<float>(i) / 200.0f + 1e-4f;
    EXPECT_NEAR(params.nu_mean(x), law.nu_mean(x), 1e-6) << x;
    EXPECT_NEAR(params.nu_sigma(x), law.nu_sigma(x), 1e-6) << x;
    EXPECT_NEAR(params.read_noise(x), law.read_noise(x), 1e-6) << x;
  }
}

TEST_P(Presets, GiveCellsTheMeanAndSpreadOfTheirLaws) {
  // 1e5 cells against the integrals of the equations in double precision, five standard errors. Programming
  // noise, the exponent and read noise are independent, so the moments are products of two integrals over a
  // normal each.
  constexpr std::uint32_t kCells = 100'000;
  const Pcm::Params params = pcm(GetParam());
  const Law law = law_of(GetParam());
  for (const double x : {0.1, 0.25, 0.5, 0.75, 1.0}) {
    const auto cells = programmed(params, static_cast<float>(x * law.g_max * kMicro), kCells, 77);
    for (const double time : {0.0, kDay, kYear}) {
      const double tau = time + law.t0, age = std::log(tau / law.t0);
      const double growth = std::sqrt(std::log((tau + law.t_read) / (2.0 * law.t_read)));
      const auto g = [&](double xi) { return std::max(x * law.g_max + law.prog_noise(x) * xi, 0.0); };
      const auto decay = [&](double xi) {
        return std::exp(-age * std::abs(law.nu_mean(x) + law.nu_sigma(x) * xi));
      };
      const double mean = over_normals(g) * over_normals(decay);
      const double square = over_normals([&](double xi) {
                              const double q = g(xi) > 0.0 ? law.read_noise(g(xi) / law.g_max) * growth : 0.0;
                              return g(xi) * g(xi) * (1.0 + q * q);
                            }) *
                            over_normals([&](double xi) { return decay(xi) * decay(xi); });
      const Sample s = sample_of(read_all(params, cells, time));
      EXPECT_NEAR(s.mean, mean, 5.0 * s.error_of_mean()) << "x = " << x << ", " << time << " s";
      EXPECT_NEAR(s.deviation, std::sqrt(square - mean * mean), 5.0 * s.error_of_deviation())
          << "x = " << x << ", " << time << " s";
    }
  }
}

TEST(Pcm, TheHermesLawsHaveTheirTabulatedValues) {
  // Values at x = .1, .25, .5, .75, 1 to the digits in which they are known: half a unit of the last one.
  const double states[] = {0.1, 0.25, 0.5, 0.75, 1.0};
  const double prog_1[] = {3.6, 5.9, 8.4, 9.4, 9.7}, prog_2[] = {2.7, 4.3, 4.8, 4.4, 5.3};  // % of g_max
  const double nu_mean[] = {.072, .068, .056, .040, .017};
  const double nu_sigma_1[] = {.025, .014, .012, .010, .0055},
               nu_sigma_2[] = {.021, .0105, .009, .0076, .0048};
  const double nu_unit_1[] = {1e-3, 1e-3, 1e-3, 1e-3, 1e-4}, nu_unit_2[] = {1e-3, 1e-4, 1e-3, 1e-4, 1e-4};
  const double read_2[] = {.020, .016, .017, .015, .012};
  const Pcm::Params one = pcm("hermes-1"), two = pcm("hermes-2");
  for (int i = 0; i < 5; ++i) {
    const float x = static_cast<float>(states[i]);
    const auto prog_noise = [&](const Pcm::Params& p) {
      const double sigma =
          p.prog_noise[0] + x * (p.prog_noise[1] + x * (p.prog_noise[2] + x * double(p.prog_noise[3])));
      return 100.0 * sigma / p.g_max;
    };
    EXPECT_NEAR(prog_noise(one), prog_1[i], 0.0501) << x;
    EXPECT_NEAR(prog_noise(two), prog_2[i], 0.0501) << x;
    EXPECT_NEAR(one.nu_mean(x), nu_mean[i], 0.501e-3) << x;
    EXPECT_NEAR(two.nu_mean(x), nu_mean[i], 0.501e-3) << x;
    EXPECT_NEAR(one.nu_sigma(x), nu_sigma_1[i], 0.501 * nu_unit_1[i]) << x;
    EXPECT_NEAR(two.nu_sigma(x), nu_sigma_2[i], 0.501 * nu_unit_2[i]) << x;
    EXPECT_NEAR(two.read_noise(x), read_2[i], 0.501e-3) << x;
  }
}

TEST(Pcm, LosesConductanceAsAPowerOfTime) {
  const Pcm::Params params;
  for (const float nu : {0.0f, 0.017f, 0.05f, 0.13f}) {
    const Pcm::Cell<float> cell{.g = 10.0_uS, .nu = nu};
    for (const double time : {0.0, 1.0, kHour, kDay, kYear, 100 * kYear}) {
      const double exact = 10.0 * std::pow((time + 20.0) / 20.0, -nu);
      const double g = Pcm::conductance(params, cell, Pcm::at(params, time).log_age) / kMicro;
      EXPECT_NEAR(g / exact, 1.0, 1e-6) << nu << ", " << time;
    }
  }
}

TEST(Pcm, TheMeanDecayIsTheOneOfTheMeanExponent) {
  const Pcm::Params params;
  const double times[] = {1.0, kHour, kDay, kMonth, kYear}, expected[] = {.9976, .7751, .6635, .5617, .4969};
  for (int t = 0; t < 5; ++t) {
    const Pcm::Cell<float> cell{.g = 1.0f, .nu = 0.049f};
    EXPECT_NEAR(Pcm::conductance(params, cell, Pcm::at(params, times[t]).log_age), expected[t], 0.5e-4);
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
  for (const double time : {0.0, kYear}) EXPECT_EQ(Pcm::read(params, cell, Pcm::at(params, time), rng), 0.0f);
}

TEST(Pcm, EachWriteDrawsAnExponentOfItsOwn) {
  const Pcm::Params params;
  const auto first = programmed(params, 10.0_uS, 1, 1), second = programmed(params, 10.0_uS, 1, 2);
  EXPECT_NE(first[0].nu, second[0].nu);
  EXPECT_GT(first[0].nu, 0.0f);
}

}  // namespace
}  // namespace mq
