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

/// Input -> DAC code, an integer in +-limit.
MQ_HD float dac_code(float x, float codes_per_unit, float limit, bool& is_clipped) {
  const float wanted = rint(x * codes_per_unit);
  const float code = clamp(wanted, -limit, limit);
  is_clipped = wanted != code;
  return code;
}

}  // namespace mq
