/// Temperature over time, and what it does to cells: thermally activated conductance, and drift that runs
/// faster where it is warm.
///
/// Conductance: g(T) = g(T_ref) exp(-E_a / k_B (1/T - 1/T_ref)). Drift: structural relaxation is thermally
/// activated, so that time counts as t_eff = integral of exp(-E / k_B (1/T - 1/T_ref)) dt; at T_ref both are
/// one. Form: I. Boybat et al., IEDM 2021; M. Le Gallo et al., Adv. Electron. Mater. 4, 1700627 (2018). The
/// energies are those of the device.
#pragma once

#include <string>

#include "meltquench/core/fields.h"

namespace mq {

inline constexpr double kBoltzmann = 8.617333262e-5;  ///< [eV/K]; CODATA 2018

struct TemperatureParams {
  PiecewiseTable profile{1, {0.0f}, {300.0f}};

  static constexpr auto describe() {
    return fields(field("profile", &TemperatureParams::profile, Unit::second, Unit::kelvin,
                        "Temperature of the chip over the time since the reference read."));
  }
  /// Temperatures are above 0 K.
  std::string problem() const;

  /// Whether it is ever another one than `reference` [K].
  bool leaves(double reference) const;

  /// [K] at `time` [s].
  double at(double time) const;
};

/// (1/T - 1/T_ref) / k_B [1/eV].
double inverse_heat(double temperature, double reference);

/// Seconds at the reference temperature that age a cell as much as those from `from` to `to` do; `activation`
/// in eV.
double effective_seconds(const TemperatureParams& temperature, double activation, double reference,
                         double from, double to);

}  // namespace mq
