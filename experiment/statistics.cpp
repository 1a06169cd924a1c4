#include "meltquench/experiment/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "meltquench/core/contract.h"

namespace mq {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// P(|T| <= t), Abramowitz and Stegun 26.7.3 (odd dof) and 26.7.4 (even dof), with theta = atan(t /
/// sqrt(dof)).
double student_t_coverage(double t, std::int64_t dof) {
  const double theta = std::atan(t / std::sqrt(static_cast<double>(dof)));
  const double sine = std::sin(theta);
  const double cosine = std::cos(theta);
  const bool is_odd = dof % 2 == 1;
  double term = is_odd ? cosine : 1.0;
  double sum = dof == 1 ? 0.0 : term;
  for (std::int64_t k = is_odd ? 3 : 2; k <= dof - 2; k += 2) {
    term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return is_odd ? 2.0 / std::numbers::pi * (theta + sine * sum) : sine * sum;
}

/// Gamma((dof + 1) / 2) / Gamma(dof / 2) by recurrence: lgamma() would write a global variable.
double gamma_ratio(std::int64_t dof) {
  const double root_pi = std::sqrt(std::numbers::pi);
  double ratio = dof % 2 == 1 ? 1 / root_pi : root_pi / 2;
  for (std::int64_t k = dof % 2 == 1 ? 1 : 2; k < dof; k += 2)
    ratio *= static_cast<double>(k + 1) / static_cast<double>(k);
  return ratio;
}

/// Root of coverage(t) = target. Both coverages are concave for t > 0, so Newton's method from 0 climbs to
/// the root without ever passing it; it ends when rounding stops the climb.
template <class Coverage, class Density>
double invert_coverage(double target, Coverage coverage, Density density) {
  MQ_EXPECTS(target > 0 && target < 1);
  double t = 0;
  for (int i = 0; i < 200; ++i) {
    const double next = t + (target - coverage(t)) / (2 * density(t));
    if (!(next > t)) break;
    t = next;
  }
  return t;
}

}  // namespace

double mean(std::span<const double> samples) {
  if (samples.empty()) return kUndefined;
  double sum = 0;
  for (const double x : samples) sum += x;
  return sum / static_cast<double>(samples.size());
}

double sample_standard_deviation(std::span<const double> samples) {
  if (samples.size() < 2) return kUndefined;
  const double centre = mean(samples);
  double sum = 0;
  for (const double x : samples) sum += (x - centre) * (x - centre);
  return std::sqrt(sum / static_cast<double>(samples.size() - 1));
}

double percentile(std::span<const double> samples, double p) {
  MQ_EXPECTS(p >= 0 && p <= 100);
  if (samples.empty()) return kUndefined;
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  const double place = p / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double median(std::span<const double> samples) { return percentile(samples, 50); }

double student_t_critical(double coverage, std::int64_t dof) {
  MQ_EXPECTS(dof >= 1);
  const double nu = static_cast<double>(dof);
  const double at_zero = gamma_ratio(dof) / std::sqrt(nu * std::numbers::pi);
  return invert_coverage(
      coverage, [dof](double t) { return student_t_coverage(t, dof); },
      [nu, at_zero](double t) { return at_zero * std::exp(-(nu + 1) / 2 * std::log1p(t * t / nu)); });
}

double normal_critical(double coverage) {
  return invert_coverage(
      coverage, [](double z) { return std::erf(z / std::numbers::sqrt2); },
      [](double z) { return std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi); });
}

MeanInterval mean_interval(std::span<const double> samples, double coverage) {
  const double centre = mean(samples);
  if (samples.size() < 2) return {centre, kUndefined, kUndefined};
  const auto count = static_cast<std::int64_t>(samples.size());
  const double half = student_t_critical(coverage, count - 1) * sample_standard_deviation(samples) /
                      std::sqrt(static_cast<double>(count));
  return {centre, centre - half, centre + half};
}

}  // namespace mq
