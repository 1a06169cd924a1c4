#include "meltquench/devices/fit/soft_bounds_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "meltquench/core/error.h"
#include "meltquench/devices/fit/drift_per_cell.h"
#include "meltquench/devices/fit/maximize.h"
#include "meltquench/devices/fit/pulse_steps.h"
#include "meltquench/devices/soft_bounds.h"

namespace mq {
namespace {

constexpr std::size_t kLeastSteps = 10, kLeastDevices = 5;
constexpr double kSmallStep = 0.1, kUnknownBound = 0.1;

/// One direction of one device: step = rate (bound - g).
struct Side {
  double rate = 0.0, bound = 0.0;
  SymmetricMatrix covariance{2};  // of intercept and slope, for cycle noise 1
  double squares = 0.0;           // of relative residuals
  double freedom = 0.0;
  std::vector<double> residuals{};  // relative
};

bool fit_side(const std::vector<PulseStep>& steps, Side& side) {
  if (steps.size() < kLeastSteps) return false;
  double largest = 0.0, mean = 0.0;
  for (const PulseStep& s : steps) {
    largest = std::max(largest, std::abs(s.change));
    mean += s.change / static_cast<double>(steps.size());
  }
  std::vector<double> design, changes, weights(steps.size(), 1.0);
  for (const PulseStep& s : steps) design.push_back(1.0), design.push_back(s.g), changes.push_back(s.change);
  const double least = kSmallStep * std::abs(mean);  // closer to the bound, rounding and reading take over
  LeastSquares line;
  for (int round = 0; round < 8; ++round) {
    line = least_squares(design, changes, weights);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const double step = std::abs(line.at[0] + line.at[1] * steps[i].g);
      weights[i] = std::pow(std::max(step, least), -2.0);
    }
  }
  if (!(line.at[1] < 0.0) || largest == 0.0) return false;
  side = {
      .rate = -line.at[1], .bound = -line.at[0] / line.at[1], .covariance = line.covariance, .freedom = -2.0};
  for (const PulseStep& s : steps) {
    const double step = line.at[0] + line.at[1] * s.g;
    if (std::abs(step) < least) continue;
    side.residuals.push_back(s.change / step - 1.0);
    side.squares += side.residuals.back() * side.residuals.back();
    side.freedom += 1.0;
  }
  return side.freedom > 0.0;
}

/// Bound and step in the middle of one side, with errors by propagation.
struct SideValue {
  double bound, bound_error, step, step_error;
};
SideValue value_of(const Side& side, double middle, double cycle_noise) {
  const SymmetricMatrix& c = side.covariance;
  const double k2 = cycle_noise * cycle_noise, r = side.rate;
  // step = a + b middle, bound = -a / b with b = -r
  const double step = r * (side.bound - middle);
  const double step_var = c(0, 0) + 2.0 * middle * c(0, 1) + middle * middle * c(1, 1);
  const double by_a = 1.0 / r, by_b = side.bound / r;
  const double bound_var = by_a * by_a * c(0, 0) + 2.0 * by_a * by_b * c(0, 1) + by_b * by_b * c(1, 1);
  return {side.bound, std::sqrt(k2 * bound_var), std::abs(step), std::sqrt(k2 * step_var)};
}

}  // namespace

FitResult fit_soft_bounds(const PulseReads& pulses) {
  std::vector<std::pair<Side, Side>> devices;
  double squares = 0.0, freedom = 0.0;
  long rows_used = 0;
  for (const auto& [cell, steps] : steps_by_cell(pulses)) {
    std::vector<PulseStep> up, down;
    for (const PulseStep& step : steps) (step.is_up ? up : down).push_back(step);
    std::pair<Side, Side> sides;
    if (!fit_side(up, sides.first) || !fit_side(down, sides.second)) continue;
    squares += sides.first.squares + sides.second.squares;
    freedom += sides.first.freedom + sides.second.freedom;
    devices.push_back(sides);
    rows_used += rows_of(steps);
  }
  if (devices.size() < kLeastDevices) {
    throw DataError(
        std::to_string(devices.size()) +
        " devices have 10 pulses up and 10 down with steps that shrink towards a bound; at least 5 are "
        "needed for soft-bounds");
  }
  const double cycle_noise = std::sqrt(squares / freedom);
  std::vector<double> high, high_error, low, low_error;
  for (const auto& [up, down] : devices) {
    const SideValue a = value_of(up, 0.0, cycle_noise), b = value_of(down, 0.0, cycle_noise);
    high.push_back(a.bound), high_error.push_back(a.bound_error);
    low.push_back(b.bound), low_error.push_back(b.bound_error);
  }
  const SpreadEstimate top = deconvolved_spread(high, high_error),
                       bottom = deconvolved_spread(low, low_error);
  const auto [least, most] = std::minmax_element(pulses.g.begin(), pulses.g.end());
  if (std::max(top.mean_error, bottom.mean_error) > kUnknownBound * (*most - *least)) {
    throw DataError(
        "the steps shrink too little to tell the bounds of soft-bounds; give longer sequences, or use the "
        "model "
        "constant-step");
  }
  const double middle = 0.5 * (top.mean + bottom.mean), half = 0.5 * (top.mean - bottom.mean);
  if (!(half > 0.0))
    throw DataError("pulses up and down lead to the same conductance; are the directions swapped?");
  std::vector<double> up, down, sum, sum_error, difference, difference_error;
  for (const auto& [first, second] : devices) {
    const SideValue a = value_of(first, middle, cycle_noise), b = value_of(second, middle, cycle_noise);
    up.push_back(a.step), down.push_back(b.step);
    const double error = 0.5 * std::hypot(a.step_error, b.step_error);
    sum.push_back(0.5 * (a.step + b.step)), sum_error.push_back(error);
    difference.push_back(0.5 * (a.step - b.step)), difference_error.push_back(error);
  }
  const double n = static_cast<double>(devices.size());
  const double mean_up = std::accumulate(up.begin(), up.end(), 0.0) / n,
               mean_down = std::accumulate(down.begin(), down.end(), 0.0) / n;
  const double step = std::max(mean_up, mean_down);
  const double asymmetry = mean_up < mean_down ? mean_up / mean_down - 1.0 : 1.0 - mean_down / mean_up;
  const SpreadEstimate gain = deconvolved_spread(sum, sum_error),
                       split = deconvolved_spread(difference, difference_error);
  const double bound_spread = std::sqrt(0.5 * (top.sigma * top.sigma + bottom.sigma * bottom.sigma)) / half;

  FitResult result;
  std::vector<double> probabilities;
  for (const auto& [first, second] : devices) {
    for (const Side* side : {&first, &second}) {
      for (const double r : side->residuals) probabilities.push_back(normal_cdf(r / cycle_noise));
    }
  }
  const double samples = static_cast<double>(probabilities.size()),
               distance = ks_distance_to_uniform(probabilities);
  result.goodness.push_back(
      {"relative noise of the steps", "KS", distance, samples, ks_p_value(distance, samples)});
  result.estimates = {
      estimate("g_min", Unit::siemens, bottom.mean, bottom.mean_error),
      estimate("g_max", Unit::siemens, top.mean, top.mean_error),
      estimate("step", Unit::siemens, step, std::hypot(gain.mean_error, split.mean_error)),
      estimate("asymmetry", Unit::one, asymmetry, 2.0 * split.mean_error / step),
      estimate("step_spread", Unit::one, gain.sigma / step, gain.sigma_error / step),
      estimate("asymmetry_spread", Unit::one, split.sigma / step, split.sigma_error / step),
      estimate("bound_spread", Unit::one, bound_spread,
               std::hypot(top.sigma_error, bottom.sigma_error) / (2.0 * half)),
      estimate("cycle_noise", Unit::one, cycle_noise, cycle_noise / std::sqrt(2.0 * freedom))};
  result.rows_used = rows_used;
  result.cells_used = static_cast<long>(devices.size());
  hold_within_ranges<SoftBounds::Params>(result.estimates, result.notes);
  result.device = Value::table();
  result.device.set_key("model", "soft-bounds");
  for (const Estimate& e : result.estimates) {
    result.device.set_key(e.name, e.unit == Unit::siemens
                                      ? Value(format_quantity(float(e.value), Unit::siemens))
                                      : Value(shortest_double(float(e.value))));
  }

  // Picture and goodness: mean steps in classes of the conductance, of the devices as the model has them.
  for (const bool is_up : {true, false}) {
    constexpr int kClasses = 20;
    struct Class {
      double n = 0, g = 0, change = 0, model = 0, variance = 0;
    };
    std::vector<Class> classes(kClasses);
    const auto steps = steps_by_cell(pulses);
    for (const auto& [cell, list] : steps) {
      for (const PulseStep& s : list) {
        if (s.is_up != is_up) continue;
        const int at = std::clamp(int(kClasses * (s.g - bottom.mean) / (2.0 * half)), 0, kClasses - 1);
        Class& c = classes[static_cast<std::size_t>(at)];
        const double way =
            is_up ? (top.mean - s.g) / half * mean_up : -(s.g - bottom.mean) / half * mean_down;
        c.n += 1, c.g += s.g, c.change += s.change, c.model += way, c.variance += s.change * s.change;
      }
    }
    FitPanel panel{.title = is_up ? "Pulses up" : "Pulses down",
                   .x_title = "conductance [uS]",
                   .y_title = "mean step [uS]"};
    for (const Class& c : classes) {
      if (c.n < 10) continue;
      const double mean = c.change / c.n,
                   error = std::sqrt(std::max(c.variance / c.n - mean * mean, 0.0) / c.n);
      panel.data.push_back({kMicro * c.g / c.n, kMicro * mean, kMicro * (mean - 1.96 * error),
                            kMicro * (mean + 1.96 * error)});
      panel.model.push_back(
          {kMicro * c.g / c.n, kMicro * c.model / c.n, kMicro * c.model / c.n, kMicro * c.model / c.n});
    }
    result.panels.push_back(std::move(panel));
  }
  return result;
}

}  // namespace mq
