/// Weights to conductances and back: the only door between the two.
///
/// Differential pair: w = (g_plus - g_minus) w_max / (g_max - g_min). The side that a weight does not need is
/// written towards g_min. With cells that keep what is written, reading back differs from w by the rounding
/// of two conductances to floats: at most 2^-23 w_max g_max / (g_max - g_min).
///
/// Cells that learn by pulses have a fixed reference instead: the minus side stays in the middle of g_min and
/// g_max, the plus side alone is written and pulsed, and w = (g_plus - g_minus) 2 w_max / (g_max - g_min).
/// One-sided cells, which pulses only move up, learn as a differential pair.
#pragma once

#include <algorithm>

#include "meltquench/core/math.h"

namespace mq {

enum class Polarity { plus = 0, minus = 1 };

enum class PairKind {
  two_sided,  ///< the sign of a weight says which side holds it
  reference,  ///< the plus side holds it, the minus side is its zero
};

struct DifferentialPair {
  float g_min = 0.0f, g_max = 0.0f;  ///< [S]
  float w_max = 1.0f;                ///< weight of `full_scale()`
  PairKind kind = PairKind::two_sided;

  /// Target conductance [S] of one side; expects |w| <= w_max.
  float target(float w, Polarity side) const {
    // In double precision: the only rounding is the last one.
    double g = 0.5 * (double(g_min) + g_max);
    if (kind == PairKind::two_sided) {
      const float part = std::max(side == Polarity::plus ? w : -w, 0.0f);
      g = g_min + double(part) * (full_scale() / w_max);
    } else if (side == Polarity::plus) {
      g += w * (full_scale() / w_max);
    }
    return std::clamp(static_cast<float>(g), g_min, g_max);
  }
  /// Largest g_plus - g_minus [S].
  double full_scale() const { return (double(g_max) - g_min) * (kind == PairKind::two_sided ? 1.0 : 0.5); }
  /// Weight units per siemens of g_plus - g_minus.
  double weight_per_siemens() const { return w_max / full_scale(); }
};

}  // namespace mq
