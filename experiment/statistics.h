/// Statistics over chips: mean, spread, percentiles and the Student-t interval of a mean.
///
/// Inputs are plain samples, all finite; results are in the samples' unit. A value that the samples cannot
/// give (the mean of none, the spread of one) is NaN, never 0. Sums run in the order of the samples, in
/// double.
#pragma once

#include <cstdint>
#include <span>

namespace mq {

double mean(std::span<const double> samples);

/// Square root of the unbiased variance (divisor n - 1); NaN for fewer than two samples.
double sample_standard_deviation(std::span<const double> samples);

/// Percentile `p` in [0, 100], linear between the two nearest order statistics (definition 7 of R. J. Hyndman
/// and Y. Fan, Am. Stat. 50, 361 (1996)). NaN without samples.
double percentile(std::span<const double> samples, double p);

double median(std::span<const double> samples);

/// t > 0 such that |T| <= t has probability `coverage` in (0, 1) for Student's t with `dof` >= 1 degrees of
/// freedom. Source: finite series of M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions
/// (1964), 26.7.3 and 26.7.4, inverted by Newton's method; costs O(dof).
double student_t_critical(double coverage, std::int64_t dof);

/// The same for the normal distribution, which is Student's t in the limit of infinite `dof`.
double normal_critical(double coverage);

struct MeanInterval {
  double mean;
  double low;
  double high;
};

/// Mean and its Student-t interval (95 % by default); the limits are NaN for fewer than two samples.
MeanInterval mean_interval(std::span<const double> samples, double coverage = 0.95);

}  // namespace mq
