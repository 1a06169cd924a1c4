/// A fitted parameter with what is known about its error.
#pragma once

#include <string>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/core/units.h"

namespace mq {

inline constexpr double kMicro = 1e6;  ///< microsiemens in a siemens: fits count in uS, which is near 1

/// The 95 % interval is value -+ 1.96 standard errors: normal, as maximum likelihood gives it for many cells.
struct Estimate {
  std::string name;  ///< key of the preset, "nu_mean.slope", "prog_noise[0]"
  Unit unit = Unit::one;
  double value = 0.0;
  double standard_error = 0.0;
  double low = 0.0, high = 0.0;

  bool contains(double truth) const { return low <= truth && truth <= high; }
};

Estimate estimate(std::string name, Unit unit, double value, double standard_error);
/// "6.05 uS, 95 % interval [5.33 uS, 6.76 uS]"
std::string estimate_text(const Estimate& e);

/// Throws DataError naming the first parameter of which the measurements say nothing: one without a finite
/// value and interval.
void check_told(const std::vector<Estimate>& estimates);

/// An estimate as a preset may hold it. A value outside of the `range` of its parameter moves to the nearest
/// one if the interval reaches it, and a note says so. Throws DataError if it does not, and where the
/// interval is wider than the range.
void hold_within(Estimate& e, const Range& range, std::vector<std::string>& notes);
/// Likewise all that `Params` describes, by their names.
template <Described Params>
void hold_within_ranges(std::vector<Estimate>& estimates, std::vector<std::string>& notes) {
  check_told(estimates);
  Params::describe()([&](const auto& field) {
    for (Estimate& e : estimates) {
      if (e.name == field.name) hold_within(e, field.rule.range, notes);
    }
  });
}

/// How well one table of measurements agrees with the fitted model.
struct Goodness {
  std::string what;       ///< the table or the law
  std::string statistic;  ///< "chi2" or "KS"
  double value = 0.0;     ///< chi2, or the largest distance between the distributions
  double freedom = 0.0;   ///< degrees of freedom of a chi2, number of samples of a KS distance
  double p_value = 0.0;   ///< probability of a worse value if the model were true
};

/// Probability that chi2 of `freedom` degrees exceeds `value` (Wilson and Hilferty's approximation, PNAS 17,
/// 684 (1931), good to three digits from 3 degrees on).
double chi2_p_value(double value, double freedom);
/// Probability that the Kolmogorov-Smirnov distance of n samples exceeds `distance` (M. A. Stephens, J. R.
/// Stat. Soc. B 32, 115 (1970)).
double ks_p_value(double distance, double n);
/// Largest distance between the distribution of `values`, which are sorted in place, and uniform ones in [0,
/// 1].
double ks_distance_to_uniform(std::vector<double>& values);

/// Distribution function and density of the standard normal.
double normal_cdf(double z);
double normal_density(double z);

}  // namespace mq
