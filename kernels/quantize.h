/// Rounding to codes, written once for all backends. Ties go to even; nothing is clipped without being
/// counted.
#pragma once

#include <cstdint>

#include "meltquench/core/math.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

/// Conductance difference -> 16-bit weight code; `codes_per_siemens` maps the largest |g| of the plane to
/// kWeightLimit.
MQ_HD std::int16_t weight_code(float g, float codes_per_siemens) {
  const float limit = static_cast<float>(kWeightLimit);
  return static_cast<std::int16_t>(clamp(rint(g * codes_per_siemens), -limit, limit));
}

/// |g| in the variance plane: its rounding is a second-order error of the noise.
MQ_HD std::int16_t magnitude_code(float g, float codes_per_siemens) {
  return static_cast<std::int16_t>(
      min(rint(abs(g) * codes_per_siemens), static_cast<float>(kMagnitudeLimit)));
}

/// Input -> DAC code, an integer in +-limit; what is no number becomes -limit. `clipped` is 1 for a code that
/// was cut off, else 0.
template <class F>
MQ_HD F dac_code(F x, float codes_per_unit, float limit, F& clipped) {
  const F wanted = rint(x * F(codes_per_unit));
  const F code = clamp(wanted, -limit, limit);
  clipped = select(wanted == code, F(0.0f), F(1.0f));
  return code;
}

/// What plane `plane` of the inputs holds of a code (QuantizeInputs).
template <class I>
MQ_HD I plane_code(const QuantizeInputs& op, I code, std::uint32_t plane) {
  const I sign = code >> 31;  // all bits of a negative number
  I magnitude = (code ^ sign) - sign;
  if (op.digit_bits > 0) {
    const std::uint32_t digit = op.splits_sign ? plane / 2 : plane;
    magnitude = magnitude >> static_cast<int>(digit * op.digit_bits) & I(op.largest_code());
  }
  if (!op.splits_sign) return (magnitude ^ sign) - sign;
  return plane % 2 == 0 ? magnitude & ~sign : magnitude & sign;
}

/// A code's square, as the variance product takes it.
template <class I>
MQ_HD I square_of(I code, int shift) {
  return code * code >> shift;
}

}  // namespace mq
