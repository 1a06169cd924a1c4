/// A number with its derivatives by N parameters: forward-mode differentiation.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>

#include "meltquench/devices/fit/estimate.h"

namespace mq {

template <std::size_t N>
struct Dual {
  double v = 0.0;
  std::array<double, N> d{};

  Dual() = default;
  Dual(double value) : v(value) {}
  static Dual parameter(double value, std::size_t which) {
    Dual x(value);
    x.d[which] = 1.0;
    return x;
  }
  /// f(v), with df/dv.
  Dual through(double value, double derivative) const {
    Dual r(value);
    for (std::size_t i = 0; i < N; ++i) r.d[i] = derivative * d[i];
    return r;
  }

  friend Dual operator+(Dual a, const Dual& b) {
    a.v += b.v;
    for (std::size_t i = 0; i < N; ++i) a.d[i] += b.d[i];
    return a;
  }
  friend Dual operator-(Dual a, const Dual& b) {
    a.v -= b.v;
    for (std::size_t i = 0; i < N; ++i) a.d[i] -= b.d[i];
    return a;
  }
  friend Dual operator*(const Dual& a, const Dual& b) {
    Dual r(a.v * b.v);
    for (std::size_t i = 0; i < N; ++i) r.d[i] = a.d[i] * b.v + a.v * b.d[i];
    return r;
  }
  friend Dual operator/(const Dual& a, const Dual& b) { return a * b.through(1.0 / b.v, -1.0 / (b.v * b.v)); }
};

template <std::size_t N>
Dual<N> sqrt(const Dual<N>& x) {
  const double root = std::sqrt(x.v);
  return x.through(root, 0.5 / root);
}
template <std::size_t N>
Dual<N> exp(const Dual<N>& x) {
  const double value = std::exp(x.v);
  return x.through(value, value);
}
template <std::size_t N>
Dual<N> log(const Dual<N>& x) {
  return x.through(std::log(x.v), 1.0 / x.v);
}
template <std::size_t N>
Dual<N> normal_cdf(const Dual<N>& x) {
  return x.through(normal_cdf(x.v), normal_density(x.v));
}
template <std::size_t N>
Dual<N> normal_density(const Dual<N>& x) {
  const double value = normal_density(x.v);
  return x.through(value, -x.v * value);
}

}  // namespace mq
