#include "meltquench/experiment/plot_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/core/contract.h"

namespace mq {

std::vector<PlotTick> linear_ticks(double low, double high, int at_most) {
  MQ_EXPECTS(low < high && at_most >= 2);
  int exponent = static_cast<int>(std::floor(std::log10((high - low) / at_most))) - 1;
  for (;; ++exponent) {
    for (const int factor : {1, 2, 5}) {
      const double step = factor * std::pow(10.0, exponent);
      const double first = std::ceil(low / step - 1e-9);
      const double last = std::floor(high / step + 1e-9);
      if (last - first + 1 > at_most) continue;
      std::vector<PlotTick> ticks;
      for (double k = first; k <= last; ++k) {
        const double at = k == 0 ? 0 : k * step;  // no "-0"
        ticks.push_back({at, fmt::format("{:.{}f}", at, std::max(0, -exponent))});
      }
      return ticks;
    }
  }
}

std::vector<PlotTick> decade_ticks(double low, double high, int at_most) {
  MQ_EXPECTS(low > 0 && low <= high && at_most >= 2);
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const int stride = std::max(1, (last - first + at_most) / at_most);
  std::vector<PlotTick> ticks;
  for (int exponent = first; exponent <= last; exponent += stride) {
    const double at = std::pow(10.0, exponent);
    ticks.push_back({at, fmt::format("{:.4g}", at)});
  }
  return ticks;
}

double PlotAxis::place(double value) const {
  const double share =
      kind == AxisKind::log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from + share * (to - from);
}

PlotAxis axis_around(AxisKind kind, const std::vector<double>& values, double pad, double least_span) {
  const bool is_log = kind == AxisKind::log;
  double low = 0;
  double high = 0;
  bool is_empty = true;
  for (const double value : values) {
    if (!std::isfinite(value) || (is_log && value <= 0)) continue;
    const double v = is_log ? std::log(value) : value;
    low = is_empty ? v : std::min(low, v);
    high = is_empty ? v : std::max(high, v);
    is_empty = false;
  }
  const double least = is_log || least_span <= 0 ? 1.0 : least_span;
  const bool is_too_short = is_log ? high <= low : high - low < least_span || high <= low;
  if (is_too_short) {
    const double centre = (low + high) / 2;
    low = centre - least / 2;
    high = centre + least / 2;
  }
  const double margin = pad * (high - low);
  low -= margin;
  high += margin;
  return {.kind = kind, .low = is_log ? std::exp(low) : low, .high = is_log ? std::exp(high) : high};
}

}  // namespace mq
