#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <thread>

#include "meltquench/devices/fit/pcm_fit.h"
#include "meltquench/devices/fit/synthesize.h"

namespace mq {
namespace {

// Sanitizers make code ten times slower, and look for errors that every seed would show.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSeeds = 6;
#else
constexpr int kSeeds = 100;
#endif

Pcm::Params pcm_like() { return std::get<Pcm::Params>(device_from_preset("pcm-like")); }

/// The parameters that made the data, by the names of the estimates.
const std::map<std::string, double>& truth() {
  static const std::map<std::string, double> values = {
      {"prog_noise[0]", 0.26348e-6}, {"prog_noise[1]", 1.9650e-6}, {"prog_noise[2]", -1.1731e-6},
      {"nu_mean.slope", -0.0155},    {"nu_mean.offset", 0.0244},   {"nu_mean.low", 0.049},
      {"nu_sigma.slope", -0.0125},   {"nu_sigma.offset", -0.0059}, {"nu_sigma.low", 0.008},
      {"read_noise.offset", 0.0088}, {"read_noise.slope", -0.65}};
  return values;
}

/// 10 000 cells that took two minutes to program, read five times from 30 s after the last one on.
CellReads jittered(std::uint64_t seed) {
  return synthesize_drift(DeviceParams(pcm_like()),
                          {.cells = 10'000, .programming_time = 120.0, .seed = seed});
}

/// Standard errors that no unbiased estimator can go below: the Fisher information at the truth, from other
/// data.
std::vector<double> fisher_errors() {
  const PcmSetting setting{.g_max = 25e-6, .t0 = 20.0, .t_read = 250e-9};
  PcmForm form;
  const std::vector<double> theta = {0.26348 / 25, 1.9650 / 25, -1.1731 / 25, -0.0155, 0.0244, 0.049,
                                     -0.0125,      -0.0059,     0.008,        0.0088,  -0.65};
  SymmetricMatrix information(theta.size());
  constexpr int kSets = 2;
  for (std::uint64_t seed = 1001; seed <= 1000 + kSets; ++seed) {
    PcmLikelihood likelihood(by_cell(jittered(seed)), setting, form);
    likelihood.place_nodes(theta);
    const Scores scores = likelihood(theta);
    for (std::size_t i = 0; i < information.values.size(); ++i) {
      information.values[i] += scores.information.values[i] / kSets;
    }
  }
  const SymmetricMatrix covariance = inverse(information);
  std::vector<double> errors;
  for (std::size_t i = 0; i < theta.size(); ++i) {
    errors.push_back(std::sqrt(covariance(i, i)) * (i < 3 ? setting.g_max : 1.0));
  }
  return errors;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

struct Tally {
  std::vector<double> widths, deviations;
  int inside = 0;
};

std::map<std::string, Tally> fits_of_all_seeds() {
  std::map<std::string, Tally> tallies;
  std::mutex guard;
  const auto work = [&](int first) {
    for (int seed = first; seed < kSeeds; seed += 2) {
      const PcmFit fit = fit_pcm(jittered(static_cast<std::uint64_t>(seed) + 1), {}, {},
                                 {.base = pcm_like(), .g_max = 25e-6, .intervals = Intervals::information});
      const std::lock_guard lock(guard);
      EXPECT_TRUE(fit.has_converged) << "seed " << seed;
      for (const Estimate& e : fit.estimates) {
        const double true_value = truth().at(e.name);
        Tally& tally = tallies[e.name];
        tally.widths.push_back(e.high - e.low);
        tally.deviations.push_back(e.value - true_value);
        tally.inside += e.contains(true_value);
      }
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  return tallies;
}

TEST(PcmFit, IntervalsHoldTheTruthAndAreAsNarrowAsFisherAllows) {
  const std::vector<double> bound = fisher_errors();
  const std::vector<const char*> names = {"prog_noise[0]",     "prog_noise[1]",   "prog_noise[2]",
                                          "nu_mean.slope",     "nu_mean.offset",  "nu_mean.low",
                                          "nu_sigma.slope",    "nu_sigma.offset", "nu_sigma.low",
                                          "read_noise.offset", "read_noise.slope"};
  const auto tallies = fits_of_all_seeds();
  ASSERT_EQ(tallies.size(), names.size());
  std::printf("| parameter | truth inside | median width / Fisher | scatter / Fisher |\n|---|---|---|---|\n");
  for (std::size_t i = 0; i < names.size(); ++i) {
    SCOPED_TRACE(names[i]);
    const Tally& tally = tallies.at(names[i]);
    ASSERT_EQ(tally.widths.size(), static_cast<std::size_t>(kSeeds));
    double square = 0.0;
    for (const double deviation : tally.deviations) square += deviation * deviation / kSeeds;
    const double width = median(tally.widths) / (2.0 * 1.96 * bound[i]),
                 scatter = std::sqrt(square) / bound[i];
    std::printf("| `%s` | %d of %d | %.2f | %.2f |\n", names[i], tally.inside, kSeeds, width, scatter);
    EXPECT_GE(tally.inside, kSeeds * 9 / 10);
    EXPECT_LE(width, 1.3);
    EXPECT_GE(width, 0.8);
    // The scatter of the estimates themselves, with five standard errors of a spread of so many.
    EXPECT_LE(scatter, 1.0 + 5.0 / std::sqrt(2.0 * kSeeds));
  }
}

/// Mean nu of strong cells, by a fit to each.
double mean_nu(const CellReads& reads) {
  const PcmSetting setting{.g_max = 25e-6, .t0 = 20.0, .t_read = 250e-9};
  double sum = 0.0, n = 0.0;
  for (const CellDrift& cell : drift_per_cell(by_cell(reads), setting, ReadWeights::white)) {
    if (cell.target > 10e-6) sum += cell.nu, n += 1.0;
  }
  return sum / n;
}

/// As one would who only knows when the array was finished.
CellReads with_array_time(CellReads reads, const std::vector<double>& read_times) {
  for (std::size_t i = 0; i < reads.size(); ++i) reads.age[i] = read_times[i % read_times.size()];
  return reads;
}

TEST(PcmFit, NeedsEachCellsOwnTime) {
  // Reads soon after an array that took two minutes to write. 3 000 cells above 10 uS scatter by 0.045:
  // standard error 0.0008.
  const DriftExperiment soon{
      .cells = 10'000, .read_times = {20.0, 40.0, 80.0, 160.0, 320.0}, .programming_time = 120.0, .seed = 7};
  const CellReads own = synthesize_drift(DeviceParams(pcm_like()), soon);
  EXPECT_NEAR(mean_nu(own), 0.049, 0.004);
  EXPECT_LT(mean_nu(with_array_time(own, soon.read_times)), 0.049 - 0.010);

  // The maximum of the likelihood is no cure: even with reads over four decades the array's time biases it.
  const PcmFitOptions options{.base = pcm_like(), .g_max = 25e-6, .intervals = Intervals::information};
  const auto plateau = [&](const CellReads& reads) {
    for (const Estimate& e : fit_pcm(reads, {}, {}, options).estimates) {
      if (e.name == "nu_mean.low") return e;
    }
    return Estimate{};
  };
  const CellReads reads = jittered(11);
  EXPECT_TRUE(plateau(reads).contains(0.049));
  const Estimate naive = plateau(with_array_time(reads, DriftExperiment().read_times));
  EXPECT_LT(naive.value, 0.049 - 5.0 * naive.standard_error);
}

TEST(PcmFit, RobustIntervalsAgreeWithInformationWhereTheModelIsTrue) {
  const CellReads reads = jittered(3);
  PcmFitOptions options{.base = pcm_like(), .g_max = 25e-6};
  const PcmFit robust = fit_pcm(reads, {}, {}, options);
  options.intervals = Intervals::information;
  const PcmFit plain = fit_pcm(reads, {}, {}, options);
  ASSERT_EQ(robust.estimates.size(), plain.estimates.size());
  for (std::size_t i = 0; i < robust.estimates.size(); ++i) {
    EXPECT_EQ(robust.estimates[i].value, plain.estimates[i].value);
    EXPECT_NEAR(robust.estimates[i].standard_error / plain.estimates[i].standard_error, 1.0, 0.15)
        << plain.estimates[i].name;
  }
}

}  // namespace
}  // namespace mq
