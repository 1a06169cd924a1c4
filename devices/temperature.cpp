#include "meltquench/devices/temperature.h"

#include <algorithm>
#include <cmath>

namespace mq {

std::string TemperatureParams::problem() const {
  for (int k = 0; k < profile.size; ++k) {
    if (!(profile.y[k] > 0.0f)) return "temperatures must be above 0 K";
  }
  return "";
}

bool TemperatureParams::leaves(double reference) const {
  return std::any_of(profile.y, profile.y + profile.size, [&](float kelvin) { return kelvin != reference; });
}

double TemperatureParams::at(double time) const { return profile(time); }

double inverse_heat(double temperature, double reference) {
  return (1.0 / temperature - 1.0 / reference) / kBoltzmann;
}

double effective_seconds(const TemperatureParams& temperature, double activation, double reference,
                         double from, double to) {
  if (activation == 0.0) return to - from;
  const auto speed = [&](double time) {
    return std::exp(-activation * inverse_heat(temperature.at(time), reference));
  };
  // Simpson's rule between the knots of the profile, where the integrand is smooth.
  constexpr int kPanels = 64;
  double sum = 0.0;
  const auto add = [&](double a, double b) {
    if (!(b > a)) return;
    const double h = (b - a) / kPanels;
    for (int i = 0; i < kPanels; ++i) {
      const double left = a + i * h;
      sum += h / 6.0 * (speed(left) + 4.0 * speed(left + 0.5 * h) + speed(left + h));
    }
  };
  double start = from;
  for (int k = 0; k < temperature.profile.size; ++k) {
    const double knot = std::clamp(double(temperature.profile.x[k]), start, to);
    add(start, knot);
    start = knot;
  }
  add(start, to);
  return sum;
}

}  // namespace mq
