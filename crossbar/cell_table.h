/// Functions of conductance that take an iteration each, interpolated for arrays of many cells.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "meltquench/core/error.h"

namespace mq {

/// Cubics through four points of each of 256 equal intervals of (0, most], for the ratios of several
/// functions to the conductance. Intervals where a ratio is off by more than 1e-9, as at the kinks of a
/// fitted law, or where there is no cell, are left to the functions themselves.
class CellTable {
 public:
  /// `f(g, to)` fills `to` with the functions of g > 0, or throws an Error.
  template <class Function>
  CellTable(double most, std::size_t functions, Function&& f)
      : most_(most), functions_(functions), is_known_(kIntervals, 1), cubics_(kIntervals * functions) {
    std::vector<double> at(kPoints * functions);
    for (std::size_t i = 0; i < kIntervals; ++i) {
      const auto ratios = [&](std::size_t point, double t) {
        const std::span<double> to(at.data() + point * functions, functions);
        const double g = std::max((static_cast<double>(i) + t) / kIntervals, kSmallest) * most;
        f(g, to);
        for (double& value : to) value /= g;
      };
      try {
        for (std::size_t n = 0; n < kPoints; ++n) ratios(n, kPlaces[n]);
        is_known_[i] = fit(i, at);
      } catch (const Error&) {
        is_known_[i] = 0;
      }
    }
  }

  /// False where the functions themselves are to be asked.
  bool find(double g, std::span<double> to) const {
    if (!(g >= 0.0 && g <= most_)) return false;
    const double place = g / most_ * kIntervals;
    const auto i = std::min(static_cast<std::size_t>(place), kIntervals - 1);
    if (is_known_[i] == 0) return false;
    const double t = place - static_cast<double>(i);
    for (std::size_t k = 0; k < functions_; ++k) to[k] = g * value(cubics_[i * functions_ + k], t);
    return true;
  }

 private:
  struct Cubic {
    double c[4];
  };
  static constexpr std::size_t kIntervals = 256, kPoints = 6;
  static constexpr double kPlaces[kPoints] = {0.0, 1.0 / 3.0, 2.0 / 3.0,
                                              1.0, 0.127,     0.5};  // the last: checks
  static constexpr double kSmallest = 1e-12, kTolerance = 1e-9;

  static double value(const Cubic& p, double t) { return p.c[0] + t * (p.c[1] + t * (p.c[2] + t * p.c[3])); }

  bool fit(std::size_t interval, const std::vector<double>& at) {
    bool is_close = true;
    for (std::size_t k = 0; k < functions_; ++k) {
      const auto y = [&](std::size_t point) { return at[point * functions_ + k]; };
      const double first = y(1) - y(0), second = y(2) - 2.0 * y(1) + y(0);
      const double third = y(3) - 3.0 * (y(2) - y(1)) - y(0);
      // Newton's forward differences in s = 3 t.
      const Cubic p{{y(0), 3.0 * (first - second / 2.0 + third / 3.0), 9.0 * (second / 2.0 - third / 2.0),
                     27.0 * third / 6.0}};
      cubics_[interval * functions_ + k] = p;
      for (std::size_t n = 4; n < kPoints; ++n) {
        is_close = is_close && std::abs(value(p, kPlaces[n]) - y(n)) <= kTolerance;
      }
    }
    return is_close;
  }

  double most_;
  std::size_t functions_;
  std::vector<char> is_known_;
  std::vector<Cubic> cubics_;
};

}  // namespace mq
