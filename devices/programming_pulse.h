/// What one programming pulse does to a phase-change cell: it melts the cell, and the amplitude decides how
/// much of it stays amorphous.
///
/// With s a logistic step, I the amplitude, I_half and w of this cell, xi standard normal for each pulse:
///     g = top g_max s((I_half - I (1 + cycle_noise xi)) / w),  s(u) = 1 / (1 + e^-u)
/// The melt forgets what was there, so g does not depend on the pulses before. Cells differ in both
/// constants: I_half (1 + half_spread zeta) and w |1 + width_spread zeta|. Sources: melt-quench branch of the
/// programming curve, single-pulse amplitudes of 100 uA to 500 uA: N. Papandreou et al., ISCAS 2011,
/// doi:10.1109/ISCAS.2011.5937569 (iterative programming along this branch). The logistic form and every
/// default below are choices of this project, not fits: docs/theory/programming.md.
#pragma once

#include <string>

#include "meltquench/core/fields.h"
#include "meltquench/core/random.h"

namespace mq {

struct ProgrammingPulse {
  float top = 1.4f;
  float current_half = 300.0_uA;
  float current_width = 35.0_uA;
  float current_min = 100.0_uA;
  float current_max = 500.0_uA;
  float half_spread = 0.05f;
  float width_spread = 0.1f;
  float cycle_noise = 0.01f;
  float voltage = 2.0_V;
  float width = 50.0_ns;

  static constexpr auto describe() {
    using enum Unit;
    return fields(
        field("top", &ProgrammingPulse::top, between(1.01, 100),
              "Conductance of a fully crystalline cell relative to g_max."),
        field("current_half", &ProgrammingPulse::current_half, ampere, positive,
              "Amplitude that leaves half of that conductance."),
        field("current_width", &ProgrammingPulse::current_width, ampere, positive,
              "Width of the step of the conductance over the amplitude."),
        field("current_min", &ProgrammingPulse::current_min, ampere, positive, "Smallest amplitude."),
        field("current_max", &ProgrammingPulse::current_max, ampere, positive, "Largest amplitude."),
        field("half_spread", &ProgrammingPulse::half_spread, non_negative,
              "Device-to-device spread of current_half, relative to it."),
        field("width_spread", &ProgrammingPulse::width_spread, non_negative,
              "Device-to-device spread of current_width, relative to it."),
        field("cycle_noise", &ProgrammingPulse::cycle_noise, non_negative,
              "Cycle-to-cycle noise of a pulse, relative to its amplitude."),
        field("voltage", &ProgrammingPulse::voltage, volt, positive,
              "Voltage during a pulse, for its energy."),
        field("width", &ProgrammingPulse::width, second, positive, "Duration of a pulse."));
  }
  std::string problem() const {
    return current_min >= current_max ? "current_min must be below current_max" : "";
  }
};

/// One cell under such pulses.
template <class F>
struct MeltQuenchedCell {
  static constexpr bool kReadsFirst = false;  ///< what the cell held before does not matter

  ProgrammingPulse pulse;
  float g_top;    ///< [S]
  float step;     ///< change of the amplitude per siemens of error [A/S]
  F half, width;  ///< of this cell [A]
  F amplitude;    ///< of the next pulse [A]
  F g = F(0.0f);  ///< [S]

  /// Starts at the amplitude that leaves `g_target` in a mean cell. `gain` 1 corrects a small error at once
  /// in the middle of a mean cell's curve.
  MQ_HD MeltQuenchedCell(const ProgrammingPulse& p, float g_max, float gain, F g_target, Rng<F>& device)
      : pulse(p), g_top(p.top * g_max), step(gain * 4.0f * p.current_width / (p.top * g_max)) {
    half = fma(F(p.current_half * p.half_spread), device.normal(), F(p.current_half));
    width = abs(fma(F(p.width_spread), device.normal(), 1.0f));
    width = max(width, 0.01f) * F(p.current_width);
    const F ratio = F(g_top) / max(g_target, 1e-6f * g_top) - 1.0f;
    amplitude =
        clamp(fma(log(ratio), F(p.current_width), F(p.current_half)), F(p.current_min), F(p.current_max));
  }

  MQ_HD F conductance() const { return g; }
  /// 1 where the next pulse wears as a RESET pulse does.
  MQ_HD F is_reset(F) const { return F(1.0f); }

  /// One pulse, after a read that missed the target by `error` = g_target - g_read [S] (0 before the first),
  /// on lanes with is_active. Returns the number of pulses; adds their energy [J].
  MQ_HD F write(typename LaneTraits<F>::Mask is_active, F error, F z, F& energy) {
    const F next = clamp(fma(error, F(-step), amplitude), F(pulse.current_min), F(pulse.current_max));
    amplitude = select(is_active, next, amplitude);
    const F current = fma(amplitude * F(pulse.cycle_noise), z, amplitude);
    const F quenched = F(g_top) / (exp((current - half) / width) + 1.0f);
    g = select(is_active, quenched, g);
    const F count = select(is_active, F(1.0f), F(0.0f));
    energy = fma(count * amplitude, F(pulse.voltage * pulse.width), energy);
    return count;
  }
};

}  // namespace mq
