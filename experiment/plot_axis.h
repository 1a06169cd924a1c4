/// Where the axes of a plot get their ticks, and how a value becomes a place on the page.
#pragma once

#include <string>
#include <vector>

namespace mq {

enum class AxisKind { linear, log };

struct PlotTick {
  double at;
  std::string label;
};

/// Ticks at multiples of 1, 2 or 5 times a power of ten within [low, high], as many as fit `at_most`, which
/// is at least 2; all labels with the decimals that the step needs. Expects low < high.
std::vector<PlotTick> linear_ticks(double low, double high, int at_most);

/// Ticks at the powers of ten within [low, high], thinned to every second, third... so that they fit
/// `at_most`. Expects 0 < low <= high.
std::vector<PlotTick> decade_ticks(double low, double high, int at_most);

/// An axis from `low` (drawn at `from`) to `high` (drawn at `to`); on a log axis both must be positive.
struct PlotAxis {
  AxisKind kind = AxisKind::linear;
  double low = 0;
  double high = 1;
  double from = 0;
  double to = 1;

  double place(double value) const;
};

/// The smallest axis that holds `values` (those that are not finite, or not positive on a log axis, do not
/// count) with a margin of `pad` of its length at both ends, and at least `least_span` long (linear axes
/// only).
PlotAxis axis_around(AxisKind kind, const std::vector<double>& values, double pad, double least_span);

}  // namespace mq
