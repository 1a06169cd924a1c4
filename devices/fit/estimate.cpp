#include "meltquench/devices/fit/estimate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mq {
namespace {

constexpr double kTwoSided95 = 1.959963984540054;

}  // namespace

Estimate estimate(std::string name, Unit unit, double value, double standard_error) {
  return {.name = std::move(name),
          .unit = unit,
          .value = value,
          .standard_error = standard_error,
          .low = value - kTwoSided95 * standard_error,
          .high = value + kTwoSided95 * standard_error};
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
