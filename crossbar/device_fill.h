/// How the devices of one polarity share its target.
///
/// With g_total [S] the target of N devices together and s = (g_total - N g_min) / (g_max - g_min), 0 <= s <=
/// N, device k = 0 ... N - 1 gets g_min + x (g_max - g_min), where
///     max, mixed   x = clip(s - k, 0, 1)
///     equal        x = s / N
/// so that with `max` and `mixed` at most one device is in between. Sources: docs/theory/programming.md.
#pragma once

#include <algorithm>
#include <cmath>

#include "meltquench/devices/programming.h"

namespace mq {

struct DeviceFill {
  Fill fill = Fill::max;
  int devices = 1;
  float g_min = 0.0f, g_max = 0.0f;  ///< of one device [S]

  /// Expects N g_min <= g_total <= N g_max, up to rounding.
  float target(float g_total, int device) const {
    if (devices == 1) return g_total;
    const double s = level(g_total);
    const double x = fill == Fill::equal ? s / devices : std::clamp(s - device, 0.0, 1.0);
    return std::clamp(static_cast<float>(g_min + x * (double(g_max) - g_min)), g_min, g_max);
  }
  /// The device that `mixed` writes last: the one in between, or the first that is not full.
  int last_device(float g_total) const {
    return std::min(static_cast<int>(std::floor(level(g_total))), devices - 1);
  }
  /// What this one is written towards when the others read g_others [S] together.
  float correction(float g_total, double g_others) const {
    return std::clamp(static_cast<float>(g_total - g_others), g_min, g_max);
  }

 private:
  double level(float g_total) const {
    const double s = (double(g_total) - double(g_min) * devices) / (double(g_max) - g_min);
    return std::clamp(s, 0.0, double(devices));
  }
};

}  // namespace mq
