#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/random.h"
#include "meltquench/devices/fit/accumulative_fit.h"
#include "meltquench/devices/fit/drift_per_cell.h"
#include "meltquench/devices/fit/gauss_hermite.h"
#include "meltquench/devices/fit/lookup_fit.h"
#include "meltquench/devices/fit/programming_yield.h"
#include "meltquench/devices/fit/soft_bounds_fit.h"
#include "meltquench/devices/fit/spectrum_fit.h"
#include "meltquench/devices/fit/synthesize.h"

namespace mq {
namespace {

DeviceParams pcm_like() { return device_from_preset("pcm-like"); }

Estimate named(const std::vector<Estimate>& estimates, const std::string& name) {
  for (const Estimate& e : estimates) {
    if (e.name == name) return e;
  }
  ADD_FAILURE() << "there is no estimate " << name;
  return {};
}

/// Within five standard errors, which are small against the value.
void expect_recovered(const std::vector<Estimate>& estimates, const std::string& name, double truth,
                      double relative_error) {
  const Estimate e = named(estimates, name);
  EXPECT_NEAR(e.value, truth, 5.0 * e.standard_error) << name;
  EXPECT_LT(e.standard_error, relative_error * std::abs(truth)) << name;
}

double normal(std::uint32_t index, std::uint32_t event) {
  return Rng<float>(RngKey(9, Purpose::sampling).at_event(event), index).normal();
}

TEST(GaussHermite, IntegratesPolynomialsExactly) {
  const auto [nodes, weights] = gauss_hermite(5);
  double zeroth = 0.0, eighth = 0.0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    zeroth += weights[i];
    eighth += weights[i] * std::pow(nodes[i], 8);
  }
  EXPECT_NEAR(zeroth, std::sqrt(M_PI), 1e-12);
  EXPECT_NEAR(eighth, 105.0 / 16.0 * std::sqrt(M_PI), 1e-11);
}

/// One cell of nu 0.05 that is read 8 times with noise of one amplitude and a given covariance.
TEST(DriftPerCell, WeighsReadsByTheirCovariance) {
  const PcmSetting setting{.g_max = 25e-6, .t0 = 20.0, .t_read = 250e-9};
  constexpr double q = 0.01;
  std::vector<double> ages;
  for (int k = 0; k < 8; ++k) ages.push_back(30.0 * std::pow(10.0, 0.5 * k));
  const SymmetricMatrix covariance = read_noise_covariance(ages, setting.t_read);
  for (std::size_t i = 0; i < ages.size(); ++i) {
    EXPECT_NEAR(covariance(i, i), std::log((ages.back() + 250e-9) / 500e-9), 1e-9);
  }
  // Correlated noise by its Cholesky factor.
  std::vector<std::vector<double>> factor(8, std::vector<double>(8, 0.0));
  for (std::size_t i = 0; i < 8; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = covariance(i, j);
      for (std::size_t k = 0; k < j; ++k) sum -= factor[i][k] * factor[j][k];
      factor[i][j] = i == j ? std::sqrt(sum) : sum / factor[j][j];
    }
  }
  CellReads reads;
  constexpr std::uint32_t kCells = 4000;
  for (std::uint32_t c = 0; c < kCells; ++c) {
    for (std::size_t i = 0; i < 8; ++i) {
      double noise = 0.0;
      for (std::size_t k = 0; k <= i; ++k) noise += factor[i][k] * normal(c, static_cast<std::uint32_t>(k));
      reads.cell.push_back(c), reads.target.push_back(10e-6), reads.age.push_back(ages[i]);
      reads.g.push_back(10e-6 * std::pow(ages[i] / setting.t0, -0.05) * std::exp(q * noise));
    }
  }
  const auto scatter = [&](ReadWeights weights, double& claimed) {
    double squares = 0.0;
    claimed = 0.0;
    for (const CellDrift& cell : drift_per_cell(by_cell(reads), setting, weights)) {
      squares += (cell.nu - 0.05) * (cell.nu - 0.05) / kCells;
      claimed += q * cell.nu_unit / kCells;
    }
    return std::sqrt(squares);
  };
  double by_gls = 0.0, by_wls = 0.0;
  const double gls = scatter(ReadWeights::correlated, by_gls), wls = scatter(ReadWeights::white, by_wls);
  // 4000 cells give a spread to 1.1 %.
  EXPECT_NEAR(gls / by_gls, 1.0, 0.056);
  EXPECT_LT(gls, 1.001 * wls);
  EXPECT_GT(std::abs(wls / by_wls - 1.0), 0.1);  // as if reads were independent: the claim is wrong
}

TEST(DriftPerCell, FitsCellsWithNegativeReadsWithoutTheLogarithm) {
  const PcmSetting setting;
  CellReads reads;
  // A weak cell about an offset: 200 reads of 0.1 uS -+ 0.05 uS.
  for (int k = 0; k < 200; ++k) {
    reads.cell.push_back(0), reads.target.push_back(0.2e-6);
    reads.age.push_back(20.0 * std::pow(10.0, k / 50.0));
    reads.g.push_back(0.2e-6 * std::pow(reads.age.back() / 20.0, -0.08) +
                      0.1e-6 * normal(static_cast<std::uint32_t>(k), 0));
  }
  const auto cells = drift_per_cell(by_cell(reads), setting, ReadWeights::white);
  ASSERT_EQ(cells.size(), 1u);
  EXPECT_NEAR(cells[0].g, 0.2e-6, 0.08e-6);
  EXPECT_NEAR(cells[0].nu, 0.08, 0.08);
}

TEST(Deconvolution, TakesTheErrorsOffTheSpread) {
  std::vector<double> values, errors;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    errors.push_back(0.02);
    values.push_back(0.06 + 0.01 * normal(i, 1) + 0.02 * normal(i, 2));
  }
  const SpreadEstimate spread = deconvolved_spread(values, errors);
  EXPECT_NEAR(spread.mean, 0.06, 5.0 * spread.mean_error);
  EXPECT_NEAR(spread.sigma, 0.01, 5.0 * spread.sigma_error);
  EXPECT_LT(spread.sigma_error, 0.0005);
}

TEST(SpectrumFit, FindsAmplitudeSlopeAndLaw) {
  const std::vector<double> levels = {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0};
  int inside = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const SpectrumFit fit = fit_spectra(synthesize_spectra(pcm_like(), levels, seed), 25e-6);
    expect_recovered(fit.estimates, "read_noise.offset", 0.0088, 0.05);
    expect_recovered(fit.estimates, "read_noise.slope", -0.65, 0.05);
    expect_recovered(fit.estimates, "gamma", 1.0, 0.02);
    inside += named(fit.estimates, "gamma").contains(1.0);
  }
  EXPECT_GE(inside, 15);  // of 20; 19 are expected, three standard errors allowed
}

TEST(SpectrumFit, SubtractsAWhiteFloorAndKnowsSinglePeriodograms) {
  const std::vector<double> levels = {0.5, 1.0};
  // At 1 g_max the floor equals the 1/f noise at 100 Hz.
  const double floor = std::pow(25e-6 * 0.0088, 2) / 100.0;
  const SpectrumFit fit = fit_spectra(synthesize_spectra(pcm_like(), levels, 3, 8, floor), 25e-6);
  expect_recovered(fit.estimates, "gamma", 1.0, 0.05);
  EXPECT_NEAR(fit.points.back().floor / floor, 1.0, 0.3);
  // One segment: the logarithm is biased by -0.577, which would be 25 % of the amplitude.
  const SpectrumFit single =
      fit_spectra(synthesize_spectra(pcm_like(), {0.1, 0.2, 0.4, 0.6, 0.8, 1.0}, 5, 1), 25e-6);
  expect_recovered(single.estimates, "read_noise.offset", 0.0088, 0.1);
}

TEST(YieldFit, TellsConvergedCellsFromFailures) {
  const std::vector<double> levels = {0.2, 0.4, 0.6, 0.8};
  const YieldFit fit = fit_yield(synthesize_programming(pcm_like(), 20'000, levels, 0.03, 2), 25e-6);
  EXPECT_NEAR(fit.yield.value, 0.97, 5.0 * fit.yield.standard_error);
  EXPECT_LT(fit.yield.standard_error, 0.003);
  const YieldFit good = fit_yield(synthesize_programming(pcm_like(), 20'000, levels, 0.0, 2), 25e-6);
  EXPECT_GT(good.yield.value, 0.9985);
}

TEST(VarianceSplit, TellsDevicesFromCycles) {
  std::vector<std::vector<double>> values(2000);
  for (std::uint32_t i = 0; i < 2000; ++i) {
    for (std::uint32_t k = 0; k < 5; ++k) values[i].push_back(0.2 * normal(i, 100) + 0.5 * normal(i, k));
  }
  const VarianceSplit split = split_variance(values);
  EXPECT_NEAR(split.between.value, 0.2, 5.0 * split.between.standard_error);
  EXPECT_LT(split.between.standard_error, 0.01);
  EXPECT_NEAR(split.within, 0.5, 0.02);
}

TEST(SoftBoundsFit, FindsStepsBoundsAndSpreads) {
  const DeviceParams truth = device_from_value(
      parse_toml(
          "model = 'soft-bounds'\ng_min = '10 uS'\ng_max = '20 uS'\nstep = '0.2 uS'\nstep_spread = 0.2\n"
          "asymmetry = -0.2\nasymmetry_spread = 0.05\nbound_spread = 0.15\ncycle_noise = 0.3\n",
          "truth"),
      "device");
  const FitResult fit = fit_soft_bounds(synthesize_pulses(truth, {.cells = 400, .pulses = 100, .seed = 4}));
  expect_recovered(fit.estimates, "g_min", 10e-6, 0.02);
  expect_recovered(fit.estimates, "g_max", 20e-6, 0.02);
  expect_recovered(fit.estimates, "step", 0.2e-6, 0.03);
  expect_recovered(fit.estimates, "asymmetry", -0.2, 0.1);
  expect_recovered(fit.estimates, "step_spread", 0.2, 0.1);
  expect_recovered(fit.estimates, "asymmetry_spread", 0.05, 0.2);
  expect_recovered(fit.estimates, "bound_spread", 0.15, 0.1);
  expect_recovered(fit.estimates, "cycle_noise", 0.3, 0.02);
  EXPECT_EQ(fit.panels.size(), 2u);
  ASSERT_EQ(fit.goodness.size(), 1u);
  EXPECT_LT(fit.goodness[0].value, 0.02);  // KS distance of 50 000 residuals from a normal
}

TEST(SoftBoundsFit, RefusesStepsThatDoNotShrink) {
  const PulseReads pulses =
      synthesize_pulses(device_from_preset("gokmen-vlasov"), {.cells = 20, .pulses = 100, .seed = 4});
  try {
    fit_soft_bounds(pulses);
    FAIL();
  } catch (const DataError& error) {
    EXPECT_NE(std::string(error.what()).find("soft-bounds"), std::string::npos) << error.what();
  }
}

/// Mean conductance [uS] of 20 000 new devices after `pulses` of them, and its standard error.
std::pair<double, double> mean_after(const DeviceParams& device, int pulses, bool is_up) {
  constexpr std::uint32_t kDevices = 20'000;
  const auto& params = std::get<LookupStep::Params>(device);
  double sum = 0.0, squares = 0.0;
  for (std::uint32_t i = 0; i < kDevices; ++i) {
    Rng<float> fabrication(RngKey(5, Purpose::fabrication), i), rng(RngKey(5, Purpose::pulse_steps), i);
    auto cell = LookupStep::fabricate<float>(params, fabrication);
    for (int n = 0; n < pulses; ++n) LookupStep::pulse<float>(params, cell, is_up, 1.0f, rng.normal());
    const double g = 1e6 * LookupStep::conductance(params, cell, Moment<float>{});
    sum += g, squares += g * g;
  }
  const double mean = sum / kDevices;
  return {mean, std::sqrt((squares / kDevices - mean * mean) / kDevices)};
}

/// The device in the preset file of a fit.
DeviceParams device_of(const FitResult& fit) {
  Value table = parse_toml(fit_to_toml(fit), "fit.toml");
  table.erase_key("summary");
  return device_from_value(table, "device");
}

TEST(LookupFit, GivesBackTheTableThatDrewTheSteps) {
  const DeviceParams truth = LookupStep::Params{};
  const FitResult fit = fit_lookup(synthesize_pulses(truth, {.cells = 2000, .pulses = 60, .seed = 6}));
  const DeviceParams fitted = device_of(fit);
  const auto& p = std::get<LookupStep::Params>(fitted);
  EXPECT_TRUE(p.one_sided);
  EXPECT_GE(p.changes.rows, 8);
  // Means of the rows: those of the true law 0.8836 uS - 0.084 (g - g_min), away from the bounds.
  ASSERT_EQ(fit.estimates.size(), std::size_t(p.changes.rows));
  for (std::size_t k = 2; k < fit.estimates.size() * 2 / 3; ++k) {
    const double x = double(k) / double(fit.estimates.size() - 1);
    const double g = p.g_min + x * (double(p.g_max) - p.g_min);
    const double mean = 0.8836e-6 - 0.084 * (g - 0.1e-6);
    EXPECT_NEAR(fit.estimates[k].value, mean, 5.0 * fit.estimates[k].standard_error + 0.02e-6) << k;
  }
  EXPECT_LT(fit.goodness.at(0).value, 0.01) << "KS distance of 120 000 steps";
  for (const int pulses : {5, 20, 50}) {
    const auto [expected, error] = mean_after(truth, pulses, true);
    const auto [mean, own_error] = mean_after(fitted, pulses, true);
    EXPECT_NEAR(mean, expected, 5.0 * std::hypot(error, own_error) + 0.1) << pulses;
  }
}

TEST(LookupFit, TakesPulsesInBothDirections) {
  const DeviceParams truth = device_from_value(
      parse_toml("model = 'soft-bounds'\nstep = '0.2 uS'\nbound_spread = 0\nstep_spread = 0\n", "truth"),
      "device");
  const FitResult fit = fit_lookup(synthesize_pulses(truth, {.cells = 500, .pulses = 100, .seed = 6}));
  const DeviceParams fitted = device_of(fit);
  const auto& p = std::get<LookupStep::Params>(fitted);
  EXPECT_FALSE(p.one_sided);
  ASSERT_EQ(fit.panels.size(), 2u);
  for (const double x : {0.55, 0.7, 0.85}) {  // soft bounds between 10 and 20 uS, pulsed up from 15 uS
    const double g = p.g_min + x * (double(p.g_max) - p.g_min);
    const auto step = [&](bool is_up) { return double(p.step) * p.changes(float(x), is_up, 0.0f).mean; };
    EXPECT_NEAR(step(true), 0.2e-6 * (20e-6 - g) / 5e-6, 0.01e-6);
    EXPECT_NEAR(step(false), 0.2e-6 * (g - 10e-6) / 5e-6, 0.01e-6);
  }
}

TEST(LookupFit, RefusesTooFewSteps) {
  EXPECT_THROW(fit_lookup(synthesize_pulses(LookupStep::Params{}, {.cells = 2, .pulses = 10})), DataError);
  EXPECT_THROW(fit_lookup({}), DataError);
}

PulseReads partial_set(int cells, int sequences, int pulses, const std::string& step_spread) {
  const DeviceParams device = device_from_value(
      parse_toml("preset = 'nandakumar-2018'\nstep_spread = " + step_spread + "\n", "truth"), "device");
  return synthesize_pulses(device, {.cells = cells, .sequences = sequences, .pulses = pulses, .seed = 3});
}

TEST(AccumulativeFit, FindsStepsNoiseAndMemoryBehindReadNoise) {
  const FitResult fit = fit_accumulative(partial_set(2000, 1, 20, "0.0"));
  EXPECT_TRUE(fit.has_converged);
  expect_recovered(fit.estimates, "step_offset", 0.88e-6, 0.3);
  expect_recovered(fit.estimates, "step_slope", -0.084, 0.3);
  expect_recovered(fit.estimates, "step_memory", 1.40e-6, 0.1);
  expect_recovered(fit.estimates, "noise_offset", 0.26e-6, 0.5);
  expect_recovered(fit.estimates, "noise_slope", 0.091, 0.1);
  expect_recovered(fit.estimates, "noise_memory", 2.15e-6, 0.15);
  expect_recovered(fit.estimates, "memory_pulses", 2.6, 0.25);
  expect_recovered(fit.estimates, "read_floor", 0.13e-6, 0.2);
  // Regression of the steps themselves would see the read noise on both sides and find more than twice the
  // slope.
  EXPECT_GT(named(fit.estimates, "step_slope").value, -0.12);
}

TEST(AccumulativeFit, TellsDevicesFromCycles) {
  const FitResult fit = fit_accumulative(partial_set(800, 4, 12, "0.2"));
  const Estimate spread = named(fit.estimates, "step_spread");
  EXPECT_NEAR(spread.value, 0.2, 5.0 * spread.standard_error);
  EXPECT_LT(spread.standard_error, 0.03);
  EXPECT_EQ(fit.device.at("model").as_text(), "accumulative-pcm");
  ASSERT_EQ(fit.goodness.size(), 1u);
  // The filter is exact to second moments only: chi2 may exceed its freedom, but not by much.
  EXPECT_LT(fit.goodness[0].value, 4.0 * fit.goodness[0].freedom);
}

}  // namespace
}  // namespace mq
