#include "meltquench/devices/fit/lookup_fit.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/devices/fit/pulse_steps.h"

namespace mq {
namespace {

constexpr std::size_t kLeastSteps = 100;
constexpr double kNearZero = 0.05;  // of the range: reads below 0 that noise explains
constexpr double kOutliers = 1e-3;  // share of the conductances beyond each bound

double level(int j) { return StepTables::kFirstLevel + j / double(StepTables::kLevelsPerUnit); }

/// The quantile of sorted values at probability p, linear between the middles of their steps.
double quantile(const std::vector<double>& sorted, double p) {
  const double last = static_cast<double>(sorted.size() - 1);
  const double at = std::clamp(p * static_cast<double>(sorted.size()) - 0.5, 0.0, last);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// A step in its own direction [S], from x in [0, 1] of the range.
struct Step {
  double x, change;
};

/// One row of the table, still in siemens.
struct Class {
  std::vector<double> steps{};  ///< sorted, at the middle of the class
  double mean = 0.0, error = 0.0;
  bool is_measured = false;  ///< it has enough steps
};

std::size_t class_of(double x, std::size_t classes) {
  return static_cast<std::size_t>(std::rint(std::clamp(x, 0.0, 1.0) * static_cast<double>(classes - 1)));
}

/// Whether at least half of the classes, and at least two, have enough steps.
bool has_enough(const std::vector<Step>& steps, std::size_t classes) {
  std::vector<std::size_t> counts(classes);
  for (const Step& step : steps) ++counts[class_of(step.x, classes)];
  const auto full =
      std::count_if(counts.begin(), counts.end(), [](std::size_t n) { return n >= kLeastSteps; });
  return full >= 2 && 2 * full >= static_cast<std::ptrdiff_t>(classes);
}

std::vector<Class> sorted_into(const std::vector<Step>& steps, std::size_t classes) {
  struct Sums {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  };
  std::vector<Sums> sums(classes);
  for (const Step& s : steps) {
    Sums& sum = sums[class_of(s.x, classes)];
    sum.n += 1, sum.x += s.x, sum.y += s.change, sum.xx += s.x * s.x, sum.xy += s.x * s.change;
  }
  std::vector<Class> result(classes);
  for (const Step& s : steps) {
    const std::size_t k = class_of(s.x, classes);
    const Sums& sum = sums[k];
    const double spread = sum.xx - sum.x * sum.x / sum.n;
    const double slope = spread > 0.0 ? (sum.xy - sum.x * sum.y / sum.n) / spread : 0.0;
    const double middle = static_cast<double>(k) / static_cast<double>(classes - 1);
    result[k].steps.push_back(s.change + slope * (middle - s.x));
  }
  for (Class& c : result) {
    if (c.steps.size() < kLeastSteps) continue;
    c.is_measured = true;
    std::sort(c.steps.begin(), c.steps.end());
    const double n = static_cast<double>(c.steps.size());
    for (const double change : c.steps) c.mean += change / n;
    double squares = 0.0;
    for (const double change : c.steps) squares += (change - c.mean) * (change - c.mean);
    c.error = std::sqrt(squares / (n - 1.0) / n);
  }
  return result;
}

/// The class itself, or the nearest one that was measured.
const Class& nearest(const std::vector<Class>& classes, std::size_t k) {
  for (std::size_t distance = 0;; ++distance) {
    if (k >= distance && classes[k - distance].is_measured) return classes[k - distance];
    if (k + distance < classes.size() && classes[k + distance].is_measured) return classes[k + distance];
  }
}

std::vector<StepTables::Row> rows_of(const std::vector<Class>& classes, double unit) {
  std::vector<StepTables::Row> rows(classes.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (int j = 0; j < StepTables::kLevels; ++j) {
      rows[k][static_cast<std::size_t>(j)] =
          static_cast<float>(quantile(nearest(classes, k).steps, normal_cdf(level(j))) / unit);
    }
  }
  return rows;
}

/// The probability that the table gives to a smaller step.
double probability(const StepTables& tables, bool is_up, double x, double change) {
  const auto at = [&](int j) { return double(tables(float(x), is_up, float(level(j))).drawn); };
  for (int j = 0; j + 1 < StepTables::kLevels; ++j) {
    const double low = at(j), high = at(j + 1);
    if (change > high) continue;
    const double share = high > low ? std::clamp((change - low) / (high - low), 0.0, 1.0) : 0.5;
    return normal_cdf(level(j) + share / StepTables::kLevelsPerUnit);
  }
  return 1.0;
}

FitPanel panel_of(const std::vector<Class>& classes, const LookupStep::Params& p, bool is_up) {
  FitPanel panel{
      .title = is_up ? "Pulses up" : "Pulses down", .x_title = "conductance [uS]", .y_title = "step [uS]"};
  const double last = static_cast<double>(classes.size() - 1);
  for (std::size_t k = 0; k < classes.size(); ++k) {
    if (!classes[k].is_measured) continue;
    const double x = static_cast<double>(k) / last;
    const double g = kMicro * (p.g_min + x * (double(p.g_max) - p.g_min)), error = 1.96 * classes[k].error;
    panel.data.push_back({g, kMicro * classes[k].mean, kMicro * (classes[k].mean - error),
                          kMicro * (classes[k].mean + error)});
    const auto of_table = [&](float z) { return p.changes(float(x), is_up, z); };
    const double unit = kMicro * p.step;
    panel.model.push_back(
        {g, unit * of_table(0.0f).mean, unit * of_table(-1.0f).drawn, unit * of_table(1.0f).drawn});
  }
  return panel;
}

}  // namespace

FitResult fit_lookup(const PulseReads& pulses) {
  std::vector<double> sorted = pulses.g;
  std::sort(sorted.begin(), sorted.end());
  const double least = sorted.empty() ? 0.0 : quantile(sorted, kOutliers), low = std::max(least, 0.0);
  const double high = sorted.empty() ? 0.0 : quantile(sorted, 1.0 - kOutliers);
  if (least < -kNearZero * std::abs(high)) {
    throw DataError("conductances go down to " + format_quantity(float(least), Unit::siemens) +
                    "; a device has none below 0. Take the offset of the instrument off");
  }
  if (!(high > low)) throw DataError("no pulse moves a device; a table of steps would be empty");

  std::vector<Step> steps[2];  // up, down
  double unit = 0.0;
  FitResult result;
  for (const auto& [cell, list] : steps_by_cell(pulses)) {
    result.rows_used += rows_of(list);
    ++result.cells_used;
    for (const PulseStep& step : list) {
      steps[step.is_up ? 0 : 1].push_back(
          {(step.g - low) / (high - low), step.is_up ? step.change : -step.change});
      unit += std::abs(step.change);
    }
  }
  unit /= static_cast<double>(steps[0].size() + steps[1].size());
  if (unit == 0.0) throw DataError("no pulse moves a device; a table of steps would be empty");
  const bool is_one_sided = steps[1].empty();
  std::size_t rows = StepTables::kMaxRows;
  while (rows >= 2 && !(has_enough(steps[0], rows) && (is_one_sided || has_enough(steps[1], rows)))) --rows;
  if (rows < 2) {
    throw DataError(
        "a table of steps needs 100 pulses up from each of two parts of the range (and as many down, if "
        "there are pulses down); give more devices or longer sequences");
  }

  LookupStep::Params p;
  p.g_min = static_cast<float>(low);
  p.g_max = static_cast<float>(high);
  p.step = static_cast<float>(unit);
  p.one_sided = is_one_sided;
  p.zero = is_one_sided ? 0.0f : 0.5f;
  const std::vector<Class> up = sorted_into(steps[0], rows);
  const std::vector<Class> down = is_one_sided ? up : sorted_into(steps[1], rows);
  p.changes = StepTables::from_rows(rows_of(up, unit), rows_of(down, unit));
  for (const bool is_up : {true, false}) {
    if (!is_up && is_one_sided) break;
    const std::vector<Class>& classes = is_up ? up : down;
    const std::string name = is_up ? "changes.up" : "changes.down";
    for (std::size_t k = 0; k < classes.size(); ++k) {
      if (!classes[k].is_measured) continue;
      result.estimates.push_back(estimate(name + "[" + std::to_string(k) + "], mean", Unit::siemens,
                                          classes[k].mean, classes[k].error));
    }
    std::vector<double> probabilities;
    for (const Step& step : steps[is_up ? 0 : 1]) {
      probabilities.push_back(probability(p.changes, is_up, step.x, step.change / unit));
    }
    const double n = static_cast<double>(probabilities.size());
    const double distance = ks_distance_to_uniform(probabilities);
    result.goodness.push_back(
        {is_up ? "steps up" : "steps down", "KS", distance, n, ks_p_value(distance, n)});
    result.panels.push_back(panel_of(classes, p, is_up));
  }
  const auto is_unmeasured = [](const Class& c) { return !c.is_measured; };
  if (std::any_of(up.begin(), up.end(), is_unmeasured) ||
      std::any_of(down.begin(), down.end(), is_unmeasured)) {
    result.notes.push_back(
        "Rows without an estimate had fewer than 100 steps and hold what was measured next to them.");
  }
  result.notes.push_back(
      "Spread between devices and what reading adds are part of the distributions, not parameters of their "
      "own.");
  result.device = device_to_value(DeviceParams(p));
  return result;
}

}  // namespace mq
