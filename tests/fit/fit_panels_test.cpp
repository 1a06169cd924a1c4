// What the picture of a fit shows: what was read, with the interval of a mean, against what the device says.
#include "meltquench/devices/fit/fit_panels.h"

#include <gtest/gtest.h>

#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/devices/fit/synthesize.h"

namespace mq {
namespace {

TEST(FitPanels, ShowMeansOverTimeWithTheirIntervalsAndTheExpectation) {
  const Pcm::Params p;
  const double x = 0.5, ages[] = {40.0, 4e5}, means[] = {1.05, 0.8};
  CellReads reads;
  const auto read = [&](double age, double target, double g) {
    reads.cell.push_back(std::int64_t(reads.size()));
    reads.target.push_back(target);
    reads.age.push_back(age);
    reads.g.push_back(g);
  };
  for (int k = 0; k < 2; ++k) {
    for (const double off : {-0.15, -0.05, 0.05, 0.15})
      read(ages[k], x * p.g_max, (means[k] + off) * x * p.g_max);
    read(ages[k], 0.01 * p.g_max, 1.0 * p.g_max);  // too close to 0 for a ratio
  }
  FitResult result;
  append_drift_panel(result, reads, p);
  ASSERT_EQ(result.panels.size(), 1u);
  const FitPanel& panel = result.panels[0];
  ASSERT_EQ(panel.data.size(), 2u);
  ASSERT_EQ(panel.model.size(), 2u);
  const double half = 1.96 * std::sqrt(0.0125 / 4.0);
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_NEAR(panel.data[k].x, ages[k], 1e-9 * ages[k]);
    EXPECT_NEAR(panel.data[k].y, means[k], 1e-9);
    EXPECT_NEAR(panel.data[k].low, means[k] - half, 1e-9);
    EXPECT_NEAR(panel.data[k].high, means[k] + half, 1e-9);
    // exp(-nu l) of a normal exponent
    const double l = std::log(ages[k] / p.t0), mean = p.nu_mean(float(x)), sigma = p.nu_sigma(float(x));
    EXPECT_NEAR(panel.model[k].y, std::exp(-mean * l + sigma * sigma * l * l / 2.0), 1e-9);
  }
}

// 3000 cells of the preset: what groups of similar targets say for themselves is within five standard errors
// of the device they come from.
TEST(FitPanels, PointsOfSimilarTargetsAgreeWithTheDevice) {
  const DeviceParams device = device_from_preset("pcm-like");
  const auto truth = std::get<Pcm::Params>(device);
  const CellReads reads = synthesize_drift(device, drift_experiment(device, 3000, 0.0, 8));
  const PcmFit fit =
      fit_pcm(reads, {}, {}, {.base = truth, .g_max = truth.g_max, .intervals = Intervals::information});
  ASSERT_GT(fit.points.size(), 5u);
  int cells = 0;
  for (const PcmPoint& point : fit.points) {
    const auto x = float(point.x);
    const double written = (double(truth.prog_noise[0]) + double(truth.prog_noise[1]) * point.x +
                            double(truth.prog_noise[2]) * point.x * point.x) /
                           truth.g_max;
    const double expected[] = {written, truth.nu_mean(x), truth.nu_sigma(x), 1.0};
    for (int k = 0; k < 4; ++k) {
      ASSERT_GT(point.error[k], 0.0) << k;
      EXPECT_LT(point.error[k], 0.5 * expected[k]) << k;
      // Laws bend within a group of targets: 5 % of the value beside the error.
      EXPECT_NEAR(point.value[k], expected[k], 5.0 * point.error[k] + 0.05 * expected[k])
          << point.x << " " << k;
    }
    cells += point.cells;
  }
  EXPECT_EQ(cells, 3000);
}

// A read that was cut at 0 has no logarithm: its cell has no chi2.
TEST(FitPanels, OnlyCellsWithoutZerosHaveAProbability) {
  CellReads reads;
  for (int cell = 0; cell < 3; ++cell) {
    for (int k = 0; k < 3; ++k) {
      reads.cell.push_back(cell);
      reads.target.push_back(12.5e-6);
      reads.age.push_back(30.0 * std::pow(10.0, k));
      reads.g.push_back(k < cell ? 0.0 : 12e-6);  // none, one and two zeros
    }
  }
  const PcmForm form{.prog_terms = 1, .nu_mean = LawForm::constant, .nu_sigma = LawForm::constant};
  const PcmLikelihood likelihood(by_cell(reads), {}, form);
  const std::vector<double> theta = {0.05, 0.05, 0.01, 0.0088, -0.65};
  EXPECT_EQ(likelihood.cell_probabilities(theta).size(), 1u);
}

TEST(Estimates, NormalAndKolmogorovSmirnovAreThoseOfTables) {
  EXPECT_NEAR(normal_density(0.0), 0.3989422804014327, 1e-12);
  EXPECT_NEAR(normal_density(-1.5), 0.12951759566589174, 1e-12);
  EXPECT_NEAR(normal_cdf(1.0), 0.8413447460685429, 1e-12);
  EXPECT_NEAR(chi2_p_value(18.307, 10.0), 0.05, 1e-3);
  EXPECT_NEAR(ks_p_value(1.3581 / 100.0, 10'000.0), 0.05, 2e-3);
  std::vector<double> even = {0.875, 0.125, 0.625, 0.375}, low = {0.1, 0.2};
  EXPECT_NEAR(ks_distance_to_uniform(even), 0.125, 1e-12);
  EXPECT_NEAR(ks_distance_to_uniform(low), 0.8, 1e-12);
}

TEST(Estimates, WithoutAFiniteIntervalAreNotTold) {
  const auto told = [](double value, double error) {
    try {
      check_told({estimate("nu_mean", Unit::one, value, error)});
      return true;
    } catch (const DataError&) {
      return false;
    }
  };
  EXPECT_TRUE(told(0.05, 0.01));
  EXPECT_TRUE(told(0.05, 0.0));
  for (const double bad : {double(NAN), double(INFINITY), 1e31}) {
    EXPECT_FALSE(told(bad, 0.01));
    EXPECT_FALSE(told(0.05, bad));
  }
  EXPECT_FALSE(told(0.05, -1.0));
}

}  // namespace
}  // namespace mq
