/// How the devices of one polarity share its target.
///
/// Device k = 0 ... N - 1 counts w_k = significance^-k, and g_total [S] = sum of w_k g_k. With W the sum of
/// all w_k and s = (g_total - W g_min) / (g_max - g_min), 0 <= s <= W, device k gets g_min + x (g_max -
/// g_min), where
///     max, mixed   x = clip((s - w_0 - ... - w_(k-1)) / w_k, 0, 1)
///     equal        x = s / W
/// so that with `max` and `mixed` at most one device is in between. Sources: docs/theory/programming.md.
#pragma once

#include <algorithm>
#include <cmath>

#include "meltquench/devices/programming.h"

namespace mq {

struct DeviceFill {
  ProgrammingParams how;
  float g_min = 0.0f, g_max = 0.0f;  ///< of one device [S]

  /// Expects W g_min <= g_total <= W g_max, up to rounding.
  float target(float g_total, int device) const {
    if (how.devices == 1) return g_total;
    const double s = level(g_total);
    const double x = how.fill == Fill::equal
                         ? s / how.total_weight()
                         : std::clamp((s - before(device)) / how.weight_of(device), 0.0, 1.0);
    return std::clamp(static_cast<float>(g_min + x * (double(g_max) - g_min)), g_min, g_max);
  }
  /// The device that `mixed` writes last: the one in between, or the first that is not full.
  int last_device(float g_total) const {
    const double s = level(g_total);
    int device = 0;
    while (device + 1 < how.devices && before(device + 1) <= s) ++device;
    return device;
  }
  /// What this one is written towards when the others, each times what it counts, read g_others [S] together.
  float correction(float g_total, double g_others) const {
    const double g = (g_total - g_others) / how.weight_of(last_device(g_total));
    return std::clamp(static_cast<float>(g), g_min, g_max);
  }

 private:
  double level(float g_total) const {
    const double total = how.total_weight();
    const double s = (double(g_total) - double(g_min) * total) / (double(g_max) - g_min);
    return std::clamp(s, 0.0, total);
  }
  /// What the devices before this one count together.
  double before(int device) const {
    double sum = 0.0;
    for (int k = 0; k < device; ++k) sum += how.weight_of(k);
    return sum;
  }
};

}  // namespace mq
