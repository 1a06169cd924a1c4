/// Read noise of phase-change memory in reads of nanoseconds: the longer a current is integrated, the less it
/// fluctuates, so that in a product with pulse-width inputs each input line has noise of its own.
///
/// With X = log10(t_int / 1 ns), t_int the time for which the line is on:
///     sigma(g, t_int) = slope(X) g + offset(X)  [S], both polynomials of degree 4 in X.
/// An input x of |x| <= 1 that becomes a pulse of |x| t_pulse reads each cell with sigma(g, |x| t_pulse), and
/// contributes the error x sigma xi to its output: `nanosecond_output_variance` below sums that over the two
/// cells of a differential pair, line by line. (Taking one t_int for all lines, the mean of a batch, as IBM
/// aihwkit does, makes the noise of an input depend on the other inputs.)
/// Source: the tile-circuit model of arXiv 2506.00004; constants as in IBM aihwkit, analog_mvm_irdrop_t.py,
/// which does not state the range of its fit. The law is held constant below 1 ns and above 1 us, a choice
/// made here: from 3 us on the polynomials rise again.
#pragma once

#include <cstddef>

#include "meltquench/core/math.h"
#include "meltquench/core/units.h"

namespace mq {

struct NanosecondNoise {
  /// Limits of t_int [s] between which the law varies.
  static constexpr float kShortest = 1.0_ns, kLongest = 1.0_us;

  /// The part of the noise that is proportional to the conductance; t_int > 0 [s].
  template <class F>
  MQ_HD static F slope(F t_int) {
    return polynomial(t_int, {2.578764e-2f, -1.46159e-2f, 6.55714e-3f, -1.87352e-3f, 2.1926e-4f});
  }
  /// The part that does not depend on it [S].
  template <class F>
  MQ_HD static F offset(F t_int) {
    return polynomial(t_int, {1.17763e-7f, -6.77079e-8f, 3.07015e-8f, -9.08577e-9f, 1.11906e-9f});
  }
  /// offset / slope [S]: between 4.46 and 4.57 uS for every t_int, so that sigma = slope (g + kOffset) within
  /// 0.6 % at any conductance.
  static constexpr float kOffset = 4.515e-6f;

  /// Standard deviation [S] of one read of a cell of conductance g [S].
  template <class F>
  MQ_HD static F sigma(F g, F t_int) {
    return fma(slope(t_int), g, offset(t_int));
  }

 private:
  struct Coefficients {
    float p0, p1, p2, p3, p4;
  };
  template <class F>
  MQ_HD static F polynomial(F t_int, Coefficients c) {
    const F ratio = clamp(t_int * F(1.0f / kShortest), F(1.0f), F(kLongest / kShortest));
    const F x = log(ratio) * 0.43429448190325176f;
    F p = fma(F(c.p4), x, F(c.p3));
    p = fma(p, x, F(c.p2));
    p = fma(p, x, F(c.p1));
    return fma(p, x, F(c.p0));
  }
};

/// Variance [S^2] of sum_j (g+_j - g-_j) x_j when every line is on for |x_j| t_pulse [s]:
///     sum_j [s_j^2 (g+^2 + g-^2) + 2 s_j o_j (g+ + g-) + 2 o_j^2] x_j^2,  s_j = slope, o_j = offset of line
///     j.
/// The arrays have `lines` elements; |x_j| <= 1. A line that stays off has no noise.
inline double nanosecond_output_variance(const float* g_plus, const float* g_minus, const float* x,
                                         std::size_t lines, float t_pulse) {
  double sum = 0.0;
  for (std::size_t j = 0; j < lines; ++j) {
    const double size = x[j] < 0.0f ? -x[j] : x[j];
    if (size == 0.0) continue;
    const auto t_int = static_cast<float>(size * t_pulse);
    const double plus = NanosecondNoise::sigma(g_plus[j], t_int);
    const double minus = NanosecondNoise::sigma(g_minus[j], t_int);
    sum += (plus * plus + minus * minus) * size * size;
  }
  return sum;
}

}  // namespace mq
