/// Weights to conductances and back: the only door between the two.
///
/// Differential pair: w = (g_plus - g_minus) w_max / (g_max - g_min). The side that a weight does not need is
/// written towards g_min. With cells that keep what is written, reading back differs from w by the rounding
/// of two conductances to floats: at most 2^-23 w_max g_max / (g_max - g_min).
#pragma once

#include <algorithm>

#include "meltquench/core/math.h"

namespace mq {

enum class Polarity { plus = 0, minus = 1 };

struct DifferentialPair {
  float g_min = 0.0f, g_max = 0.0f;  ///< [S]
  float w_max = 1.0f;                ///< weight of a pair (g_max, g_min)

  /// Target conductance [S] of one side; expects |w| <= w_max.
  float target(float w, Polarity side) const {
    const float part = std::max(side == Polarity::plus ? w : -w, 0.0f);
    // In double precision: the only rounding is the last one.
    const double g = g_min + double(part) * ((double(g_max) - g_min) / w_max);
    return std::min(static_cast<float>(g), g_max);
  }
  /// Weight units per siemens of g_plus - g_minus.
  double weight_per_siemens() const { return w_max / (double(g_max) - g_min); }
};

}  // namespace mq
