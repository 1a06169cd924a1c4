/// From the conductance of a device model to the slope at 0 V that the laws of currents start from.
///
/// Data of devices are measured at a read voltage, with the access device in series: by default a cell of
/// conductance g passes g v_read at v_read, whatever the law (`ConductanceReference::read_voltage`).
#pragma once

#include <cmath>
#include <optional>

#include "meltquench/devices/current_law.h"

namespace mq {

/// Slope at 0 V [S] of a cell whose device model says g >= 0 [S]; none where no cell of this law passes
/// g v_read at v_read > 0 [V] behind the access device.
inline std::optional<double> slope_at_zero(const CurrentParams& p, double g, double v_read) {
  if (p.reference == ConductanceReference::zero_voltage || g == 0.0) return g;
  const double wanted = g * v_read;
  double u = v_read;  // over the cell
  if (p.access_saturation > 0.0) {
    if (wanted >= p.access_saturation) return {};
    u -= p.access_resistance * p.access_saturation * std::atanh(wanted / p.access_saturation);
  } else {
    u -= p.access_resistance * wanted;
  }
  if (!(u > 0.0)) return {};
  // Currents are nearly proportional to the slope: the ratio converges at once, or in a few steps.
  double slope = wanted / u;
  for (int step = 0; step < 200; ++step) {
    const double current =
        with_law(p, slope, [&](const auto& law) -> CurrentPoint<double> { return law(u); }).current;
    if (!(current > 0.0)) return {};
    const double next = slope * (wanted / current);
    // The sums of the polynomial law cancel to 1e-13.
    if (std::abs(next - slope) <= 1e-12 * slope) return next;
    slope = next;
  }
  return {};
}

}  // namespace mq
