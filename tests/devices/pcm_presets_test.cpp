/// The presets of phase-change memory against the published laws.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <string>

#include "pcm_samples.h"

namespace mq {
namespace {

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

}  // namespace
}  // namespace mq
