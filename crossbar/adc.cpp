#include "meltquench/crossbar/adc.h"

namespace mq {

std::string AdcParams::problem() const {
  if (bits == 1) return "bits must be 0 or at least 2: one bit is the sign";
  if (kind == AdcKind::ramp && bits > 12) return "a ramp has at most 12 bits: it passes every code";
  if (op_amp_gain > 0.0 && op_amp_gain < 10.0) return "op_amp_gain must be 0, for infinite, or at least 10";
  return "";
}

bool AdcParams::has_errors() const {
  if (is_ideal()) return false;
  return offset > 0.0f || gain_error > 0.0f || inl > 0.0f || mismatch > 0.0f || noise > 0.0f || stochastic ||
         kind == AdcKind::cco || op_amp_gain > 0.0 || comparator > 0.0f;
}

AdcLaw AdcParams::law() const {
  if (is_ideal()) return {};
  return {.kind = kind,
          .bits = static_cast<std::uint32_t>(bits),
          .limit = static_cast<float>(largest_code(bits)),
          .noise = noise,
          .is_stochastic = stochastic,
          .compression = compression,
          .inverse_op_amp = op_amp_gain > 0.0 ? static_cast<float>(1.0 / op_amp_gain) : 0.0f,
          .has_redundancy = stage_bits == StageBits::one_and_a_half};
}

bool PeripheryParams::has_errors() const {
  return series_resistance > 0.0 || offset > 0.0f || s_shape > 0.0f || asymmetry > 0.0f || gain != 1.0f ||
         gain_error > 0.0f;
}

ConverterSpread converter_spread(const AdcParams& adc, const PeripheryParams& periphery) {
  return {.output_offset = periphery.offset,
          .s_shape = periphery.s_shape_spread,
          .output_gain = periphery.gain_error,
          .offset = adc.offset,
          .gain = adc.gain_error,
          .inl = adc.inl,
          .mismatch = adc.mismatch,
          .comparator = adc.comparator};
}

}  // namespace mq
