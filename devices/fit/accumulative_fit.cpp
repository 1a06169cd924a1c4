#include "meltquench/devices/fit/accumulative_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "meltquench/core/error.h"
#include "meltquench/devices/accumulative_pcm.h"
#include "meltquench/devices/fit/accumulative_filter.h"

namespace mq {
namespace {

using namespace accumulative;

constexpr const char* kNames[kSize] = {"step_offset", "step_slope",   "step_memory",   "noise_offset",
                                       "noise_slope", "noise_memory", "memory_pulses", "read_slope",
                                       "read_floor",  "reset"};
constexpr bool kIsConductance[kSize] = {true, false, true, true, false, true, false, false, true, true};
constexpr std::size_t kLeastSequences = 50, kLeastPulses = 4;
constexpr double kMeanParameters = 4.0;

std::vector<Sequence> sequences_of(const PulseReads& pulses) {
  std::map<std::tuple<std::int64_t, std::int64_t>, std::map<std::int64_t, double>> rows;
  for (std::size_t i = 0; i < pulses.size(); ++i) {
    if (pulses.direction[i] > 0) {
      rows[{pulses.cell[i], pulses.sequence[i]}][pulses.pulse[i]] = kMicro * pulses.g[i];
    }
  }
  std::vector<Sequence> sequences;
  for (const auto& [key, reads] : rows) {
    Sequence sequence{.cell = std::get<0>(key), .g = {}};
    for (const auto& [pulse, g] : reads) {
      if (pulse != static_cast<std::int64_t>(sequence.g.size())) break;  // a gap ends what can be followed
      sequence.g.push_back(g);
    }
    if (sequence.g.size() > kLeastPulses) sequences.push_back(std::move(sequence));
  }
  return sequences;
}

}  // namespace

VarianceSplit split_variance(const std::vector<std::vector<double>>& of_device) {
  double grand = 0.0, count = 0.0, between = 0.0, within = 0.0, within_freedom = 0.0;
  for (const auto& values : of_device) {
    for (const double value : values) grand += value, count += 1.0;
  }
  grand /= count;
  const double devices = static_cast<double>(of_device.size()), repeats = count / devices;
  for (const auto& values : of_device) {
    double mean = 0.0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    between += static_cast<double>(values.size()) * (mean - grand) * (mean - grand) / (devices - 1.0);
    for (const double value : values) within += (value - mean) * (value - mean);
    within_freedom += static_cast<double>(values.size()) - 1.0;
  }
  within /= within_freedom;
  const double variance = std::max((between - within) / repeats, 0.0);
  const double error =
      1.96 * std::sqrt(2.0 * (between * between / (devices - 1.0) + within * within / within_freedom)) /
      repeats;
  VarianceSplit split{.within = std::sqrt(within), .devices = static_cast<int>(of_device.size())};
  // The interval is that of the variance: near 0 its root is not normal.
  split.between = {.name = "device",
                   .value = std::sqrt(variance),
                   .low = std::sqrt(std::max(variance - error, 0.0)),
                   .high = std::sqrt(variance + error)};
  split.between.standard_error = (split.between.high - split.between.low) / 3.92;
  return split;
}

FitResult fit_accumulative(const PulseReads& pulses) {
  const std::vector<Sequence> sequences = sequences_of(pulses);
  if (sequences.size() < kLeastSequences) {
    throw DataError(
        "there are " + std::to_string(sequences.size()) +
        " sequences of at least 4 pulses up that start with pulse 0 (after RESET); at least 50 are "
        "needed for accumulative-pcm");
  }
  const ScoreFunction function = [&](std::span<const double> theta) { return scores_of(sequences, theta); };
  const Maximum maximum = maximize(function, start_of(sequences), 80, 1e-3);
  const SymmetricMatrix covariance = sandwich_covariance(function, maximum);

  FitResult result;
  result.has_converged = maximum.has_converged;
  if (!maximum.has_converged)
    result.notes.push_back("The search for the maximum of the likelihood did not converge.");
  result.device = Value::table();
  result.device.set_key("model", "accumulative-pcm");
  const auto set = [&](const char* name, double value, bool is_conductance) {
    result.device.set_key(name, is_conductance ? Value(format_quantity(float(value / kMicro), Unit::siemens))
                                               : Value(shortest_double(float(value))));
  };
  std::set<std::int64_t> cells;
  for (const Sequence& s : sequences) {
    cells.insert(s.cell);
    result.rows_used += static_cast<long>(s.g.size());
  }
  result.cells_used = static_cast<long>(cells.size());
  double highest = 0.0;
  for (const Sequence& s : sequences) highest = std::max(highest, *std::max_element(s.g.begin(), s.g.end()));
  for (std::size_t i = 0; i < kSize; ++i) {
    const double scale = kIsConductance[i] ? 1.0 / kMicro : 1.0;
    result.estimates.push_back(estimate(kNames[i], kIsConductance[i] ? Unit::siemens : Unit::one,
                                        scale * maximum.at[i], scale * std::sqrt(covariance(i, i))));
  }
  hold_within_ranges<AccumulativePcm::Params>(result.estimates, result.notes);
  set("g_min", maximum.at[kReset], true);
  set("g_max", highest, true);
  for (std::size_t i = 0; i < kSize; ++i) {
    set(kNames[i], result.estimates[i].value * (kIsConductance[i] ? kMicro : 1.0), kIsConductance[i]);
  }
  set("reset_noise", kResetNoise * maximum.at[kReset], true);
  set("reset_floor", 0.0, true);
  result.notes.push_back(
      "The smallest conductance after a pulse is held at that after RESET, the largest at the "
      "largest that was read; drift is not in these tables and is the model's own.");

  // Devices and cycles: how far whole sequences miss their mean steps.
  std::array<Number, kSize> t;
  for (std::size_t i = 0; i < kSize; ++i) t[i] = Number(maximum.at[i]);
  std::map<std::int64_t, std::vector<double>> of_device;
  std::vector<double> sums, counts;  // of innovations after each pulse
  for (const Sequence& s : sequences) {
    Trace trace;
    log_likelihood(s, t, &trace);
    of_device[s.cell].push_back(trace.miss);
    if (trace.each.size() < s.g.size()) continue;  // reads at 0 have no innovation
    if (sums.size() < trace.each.size()) sums.resize(trace.each.size()), counts.resize(trace.each.size());
    for (std::size_t k = 1; k < trace.each.size(); ++k) sums[k] += trace.each[k], counts[k] += 1.0;
  }
  double chi2 = 0.0, freedom = -kMeanParameters;
  for (std::size_t k = 1; k < sums.size(); ++k) {
    if (counts[k] < kLeastSequences) continue;
    chi2 += sums[k] * sums[k] / counts[k];
    freedom += 1.0;
  }
  if (freedom > 0.0) {
    result.goodness.push_back({"mean step over pulses", "chi2", chi2, freedom, chi2_p_value(chi2, freedom)});
  }
  std::vector<std::vector<double>> repeated;
  for (auto& [cell, misses] : of_device) {
    if (misses.size() > 1) repeated.push_back(std::move(misses));
  }
  if (repeated.size() >= 20) {
    Estimate spread = split_variance(repeated).between;
    spread.name = "step_spread";
    hold_within(spread, between(0, 2), result.notes);
    set("step_spread", spread.value, false);
    result.estimates.push_back(spread);
  } else {
    result.notes.push_back("No cell shows several sequences, so devices and cycles cannot be told apart.");
  }

  // Picture and goodness: mean over pulses.
  FitPanel panel{.title = "Conductance over pulses",
                 .x_title = "pulses after RESET",
                 .y_title = "mean conductance [uS]"};
  std::size_t longest = 0;
  for (const Sequence& s : sequences) longest = std::max(longest, s.g.size());
  double mean = maximum.at[kReset], variance = std::pow(kResetNoise * maximum.at[kReset], 2), memory = 1.0;
  for (std::size_t k = 0; k < longest; ++k) {
    double n = 0.0, sum = 0.0, squares = 0.0;
    for (const Sequence& s : sequences) {
      if (k < s.g.size()) n += 1.0, sum += s.g[k], squares += s.g[k] * s.g[k];
    }
    if (k > 0) {
      memory *= std::exp(-1.0 / maximum.at[kMemoryPulses]);
      const double sigma =
          maximum.at[kNoiseOffset] + maximum.at[kNoiseSlope] * mean + maximum.at[kNoiseMemory] * memory;
      const double growth = 1.0 + maximum.at[kStepSlope], slope = maximum.at[kNoiseSlope];
      mean += maximum.at[kStepOffset] + maximum.at[kStepSlope] * mean + maximum.at[kStepMemory] * memory;
      variance = variance * (growth * growth + slope * slope) + sigma * sigma;
      const double spread = std::sqrt(variance), above = mean - maximum.at[kReset], edge = above / spread;
      const double first = above * normal_cdf(edge) + spread * normal_density(edge);
      const double second =
          (variance + above * above) * normal_cdf(edge) + above * spread * normal_density(edge);
      mean = maximum.at[kReset] + first, variance = second - first * first;
    }
    const double measured = sum / n, error = std::sqrt(std::max(squares / n - measured * measured, 0.0) / n);
    const double x = static_cast<double>(k);
    panel.data.push_back({x, measured, measured - 1.96 * error, measured + 1.96 * error});
    panel.model.push_back({x, mean, mean - std::sqrt(variance), mean + std::sqrt(variance)});
  }
  result.panels.push_back(std::move(panel));
  return result;
}

}  // namespace mq
