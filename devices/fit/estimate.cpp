#include "meltquench/devices/fit/estimate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr double kTwoSided95 = 1.959963984540054;
constexpr double kLargestValue = 1e30;  // a float holds it

std::string value_text(double value, Unit unit) {
  return std::isfinite(value) ? format_quantity(float(value), unit) : value < 0.0 ? "-inf" : "inf";
}

}  // namespace

Estimate estimate(std::string name, Unit unit, double value, double standard_error) {
  return {.name = std::move(name),
          .unit = unit,
          .value = value,
          .standard_error = standard_error,
          .low = value - kTwoSided95 * standard_error,
          .high = value + kTwoSided95 * standard_error};
}

std::string estimate_text(const Estimate& e) {
  return value_text(e.value, e.unit) + ", 95 % interval [" + value_text(e.low, e.unit) + ", " +
         value_text(e.high, e.unit) + "]";
}

void check_told(const std::vector<Estimate>& estimates) {
  for (const Estimate& e : estimates) {
    if (std::abs(e.value) < kLargestValue && e.standard_error >= 0.0 && e.standard_error < kLargestValue)
      continue;
    throw DataError("these measurements cannot tell " + e.name +
                    ": no interval of it is finite. Give more of them, or over a wider range");
  }
}

void hold_within(Estimate& e, const Range& range, std::vector<std::string>& notes) {
  if (e.high - e.low > range.high - range.low) {
    throw DataError("these measurements cannot tell " + e.name + " = " + estimate_text(e) +
                    ": the interval is wider than the range of the parameter (" +
                    format_range(range, e.unit) + ")");
  }
  if (range.contains(e.value)) return;
  const double nearest = std::clamp(e.value, range.low, range.high);
  if (e.low > range.high || e.high < range.low || !range.contains(nearest)) {
    throw DataError(e.name + " = " + estimate_text(e) + " is out of range (must be " +
                    format_range(range, e.unit) +
                    "); check units and the offset of the instrument, or fit another model");
  }
  notes.push_back(e.name + " came out at " + value_text(e.value, e.unit) + " and was held at " +
                  value_text(nearest, e.unit) + ", which its interval contains.");
  e.value = nearest;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }
double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi); }

double chi2_p_value(double value, double freedom) {
  if (freedom <= 0.0) return 1.0;
  const double shift = 2.0 / (9.0 * freedom);
  return normal_cdf(-(std::cbrt(value / freedom) - (1.0 - shift)) / std::sqrt(shift));
}

double ks_p_value(double distance, double n) {
  const double root = std::sqrt(n), t = (root + 0.12 + 0.11 / root) * distance;
  if (t < 0.2) return 1.0;
  double p = 0.0;
  for (int k = 1; k <= 100; ++k) p += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * t * t);
  return std::clamp(p, 0.0, 1.0);
}

double ks_distance_to_uniform(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double below = static_cast<double>(i) / n, above = static_cast<double>(i + 1) / n;
    distance = std::max({distance, values[i] - below, above - values[i]});
  }
  return distance;
}

}  // namespace mq
