/// Elementary functions with the same bits on every backend: built from fma, IEEE square root and bit
/// operations only.
///
/// Polynomials: S. L. Moshier, Cephes Mathematical Library, single precision (1992). Errors are below 2e-7
/// relative
/// (`log` also near 1) in the stated ranges; tests compare with double precision.
#pragma once

#include <cmath>

#include "meltquench/core/lanes.h"

namespace mq {

/// In double precision the host's own, for what is computed once and then rounded to floats.
MQ_HD double log(double x) { return std::log(x); }
MQ_HD double exp(double x) { return std::exp(x); }
MQ_HD double sqrt(double x) { return std::sqrt(x); }

template <class F>
MQ_HD F min(F a, std::type_identity_t<F> b) {
  return select(a < b, a, b);
}
template <class F>
MQ_HD F max(F a, std::type_identity_t<F> b) {
  return select(a > b, a, b);
}
template <class F>
MQ_HD F clamp(F a, std::type_identity_t<F> low, std::type_identity_t<F> high) {
  return min(max(a, low), high);
}
template <class F>
MQ_HD F abs(F a) {
  return from_bits(to_bits(a) & 0x7fffffffu);
}

/// Natural logarithm; expects a normal x > 0.
template <class F>
MQ_HD F log(F x) {
  const auto bits = to_bits(x);
  const auto exponent =
      as_signed(bits - 0x3f3504f3u) >> 23;  // relative to sqrt(1/2): mantissa in [0.707, 1.414)
  const F t = from_bits(bits - (as_unsigned(exponent) << 23)) - 1.0f;
  F p = fma(t, 7.0376836292e-2f, -1.1514610310e-1f);
  p = fma(p, t, 1.1676998740e-1f);
  p = fma(p, t, -1.2420140846e-1f);
  p = fma(p, t, 1.4249322787e-1f);
  p = fma(p, t, -1.6668057665e-1f);
  p = fma(p, t, 2.0000714765e-1f);
  p = fma(p, t, -2.4999993993e-1f);
  p = fma(p, t, 3.3333331174e-1f);
  const F z = t * t;
  const F y = fma(z, -0.5f, p * t * z);
  return fma(to_float(exponent), 0.693147180559945f, t + y);
}

/// e^x; x is clamped to [-87, 88] so that the result is a normal float.
template <class F>
MQ_HD F exp(F x) {
  x = clamp(x, -87.0f, 88.0f);
  const F n = rint(x * 1.44269504088896341f);
  F r = fma(n, -0.693359375f, x);  // ln 2 in two parts: n times the first is exact
  r = fma(n, 2.12194440e-4f, r);
  F p = fma(r, 1.9875691500e-4f, 1.3981999507e-3f);
  p = fma(p, r, 8.3334519073e-3f);
  p = fma(p, r, 4.1665795894e-2f);
  p = fma(p, r, 1.6666665459e-1f);
  p = fma(p, r, 5.0000001201e-1f);
  const F y = fma(p, r * r, r) + 1.0f;
  return from_bits(to_bits(y) + (as_unsigned(to_int(n)) << 23));
}

/// x^a; expects a normal x > 0.
template <class F>
MQ_HD F pow(F x, std::type_identity_t<F> a) {
  return exp(a * log(x));
}

/// Sine and cosine of 2 pi turn / 2^32: a 32-bit integer is exactly one turn, so no range reduction can go
/// wrong.
template <class F>
MQ_HD void sincos_turn(typename LaneTraits<F>::UInt turn, F& sine, F& cosine) {
  const auto quadrant = (turn + 0x20000000u) >> 30;
  const auto rest = as_signed(turn - (quadrant << 30));  // in [-2^29, 2^29)
  const F x = to_float(rest) * 1.4629180792671596e-9f;   // 2 pi / 2^32
  const F z = x * x;
  F ps = fma(z, -1.9515295891e-4f, 8.3321608736e-3f);
  ps = fma(ps, z, -1.6666654611e-1f);
  const F s = fma(ps * z, x, x);
  F pc = fma(z, 2.443315711809948e-5f, -1.388731625493765e-3f);
  pc = fma(pc, z, 4.166664568298827e-2f);
  const F c = fma(pc * z, z, fma(z, -0.5f, 1.0f));
  const auto swap = (quadrant & 1u) * 0xffffffffu;
  const auto sine_bits = (to_bits(s) & ~swap) | (to_bits(c) & swap);
  const auto cosine_bits = (to_bits(c) & ~swap) | (to_bits(s) & swap);
  sine = from_bits(sine_bits ^ ((quadrant & 2u) << 30));
  cosine = from_bits(cosine_bits ^ (((quadrant + 1u) & 2u) << 30));
}

}  // namespace mq
