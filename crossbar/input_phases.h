/// Read phases: how the codes of inputs are cut into planes that drive the word lines one after the other.
///
/// Serial inputs drive `digit_bits` bits of |code| at a time; drivers of one polarity read the positive and
/// the negative inputs apart (`splits_sign`). Phases are added digitally, one conversion each, or as charge
/// before a single conversion (`is_held`).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "meltquench/crossbar/hardware.h"

namespace mq {

struct InputPhases {
  std::uint32_t digit_bits = 0;  ///< 0: whole codes
  std::uint32_t digits = 1;
  bool splits_sign = false;
  bool is_held = false;

  std::uint32_t count() const { return splits_sign ? 2 * digits : digits; }
  /// Conversions of one plane of weights.
  std::uint32_t conversions() const { return is_held ? 1 : count(); }
  /// What a code of phase `phase` counts, in steps of the DAC.
  double weight(std::uint32_t phase) const {
    const std::uint32_t digit = splits_sign ? phase / 2 : phase;
    const double size = std::ldexp(1.0, static_cast<int>(digit * digit_bits));
    return splits_sign && phase % 2 == 1 ? -size : size;
  }
};

inline InputPhases input_phases(const DacParams& dac) {
  InputPhases phases{.splits_sign = dac.splits_sign};
  const int bits = dac.bits - 1;  // of |code|
  if (dac.digit_bits > 0) {
    phases.digit_bits = static_cast<std::uint32_t>(std::min(dac.digit_bits, bits));
    phases.digits = static_cast<std::uint32_t>((bits + dac.digit_bits - 1) / dac.digit_bits);
  }
  phases.is_held = dac.accumulation == Accumulation::analog && phases.count() > 1;
  return phases;
}

/// Largest |code| that a phase drives; expects dac.bits > 0.
inline std::int32_t largest_phase_code(const DacParams& dac) {
  const std::uint32_t digit_bits = input_phases(dac).digit_bits;
  return digit_bits > 0 ? (std::int32_t(1) << digit_bits) - 1 : largest_code(dac.bits);
}

}  // namespace mq
