/// A measured curve: points (x, y) joined by straight lines, constant outside.
#pragma once

#include "meltquench/core/host_device.h"

namespace mq {

/// Trivially copyable, so that it can be a member of parameters that travel to a device. In TOML:
/// `{ x = ["0 s", "1 s"], y = [1.0, 0.5] }`. Expects 1 <= size <= kMaxPoints and x strictly increasing.
struct PiecewiseTable {
  static constexpr int kMaxPoints = 16;

  int size = 0;
  float x[kMaxPoints]{};
  float y[kMaxPoints]{};

  /// The curve at `at`; F: float, double, or a vector of lanes with +, -, * and min/max found next to it.
  template <class F>
  MQ_HD F operator()(F at) const {
    // A sum of clamped segments needs no branch on a lane's value.
    F result = F(y[0]);
    MQ_NO_UNROLL
    for (int k = 0; k + 1 < size; ++k) {
      const F inside = min_of(max_of(at, F(x[k])), F(x[k + 1])) - F(x[k]);
      result = result + inside * F((y[k + 1] - y[k]) / (x[k + 1] - x[k]));
    }
    return result;
  }

  friend bool operator==(const PiecewiseTable& a, const PiecewiseTable& b) {
    if (a.size != b.size) return false;
    for (int k = 0; k < a.size; ++k) {
      if (a.x[k] != b.x[k] || a.y[k] != b.y[k]) return false;
    }
    return true;
  }

 private:
  template <class F>
  MQ_HD static F min_of(F a, F b) {
    if constexpr (requires { a < b ? a : b; }) {
      return a < b ? a : b;
    } else {
      return min(a, b);
    }
  }
  template <class F>
  MQ_HD static F max_of(F a, F b) {
    if constexpr (requires { a < b ? b : a; }) {
      return a < b ? b : a;
    } else {
      return max(a, b);
    }
  }
};

}  // namespace mq
