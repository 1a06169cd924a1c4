/// How output stages and ADCs turn an analog output into a code: one law per architecture (adc_law.h),
/// written once for all backends.
///
/// Signals are in steps (LSB) of the converter: v = y L / Y with the full scale Y and the largest code
/// L = 2^(bits - 1) - 1. Without errors every architecture but the CCO gives rint(v), ties to even, cut to
/// +-L, so that all of them are the uniform ADC of the fused product code for code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/math.h"
#include "meltquench/kernels/adc_law.h"

namespace mq {

/// The planes of the converters [o, o + lanes); `planes` null: converters without errors.
struct ConverterView {
  const float* planes = nullptr;
  std::size_t stride = 0, o = 0;

  template <class F>
  MQ_HD F field(std::uint32_t f, float without_errors) const {
    return planes == nullptr ? F(without_errors) : load<F>(planes + f * stride + o);
  }
};

/// Largest integer not above x; expects |x| < 2^23.
template <class F>
MQ_HD F floor_of(F x) {
  const F nearest = rint(x);
  return select(nearest > x, nearest - 1.0f, nearest);
}

/// An output behind its output stage; v and the result in LSB.
template <class F>
MQ_HD F output_stage(const OutputLaw& law, float limit, const ConverterView& converter, F v) {
  v = fma(converter.field<F>(kOutputOffset, 0.0f), limit, v);
  if (law.s_shape != 0.0f) {
    const F n = abs(converter.field<F>(kSShapeFactor, 1.0f) * F(law.s_shape / limit));
    v = v / fma(n, abs(v), F(1.0f));
  }
  v = select(v < F(0.0f), v * F(1.0f - law.asymmetry), v);
  return v * (converter.field<F>(kOutputGain, 1.0f) * F(law.gain));
}

/// What an ADC's quantiser gets: gain, offset and integral nonlinearity of this converter.
template <class F>
MQ_HD F adc_front_end(float limit, const ConverterView& converter, F v) {
  if (converter.planes == nullptr) return v;
  v = fma(v, converter.field<F>(kAdcGain, 1.0f), converter.field<F>(kAdcOffset, 0.0f));
  const F u = clamp(v / F(limit), F(-1.0f), F(1.0f)), inside = fma(-u, u, F(1.0f));
  // u (1 - u^2) has its extremes 2 / 27^(1/2) at u = 3^(-1/2).
  const F shape = fma(converter.field<F>(kSBow, 0.0f), u * 2.59807621f, converter.field<F>(kBow, 0.0f));
  return fma(shape, inside, v);
}

/// Offset-binary search from the highest bit: a bit stays where v is above the threshold of the code with it.
/// Only the last bit can make a code odd; so a tie, which goes to the even code, keeps every other bit.
template <class F>
MQ_HD typename LaneTraits<F>::Mask keeps_bit(F v, F threshold, std::uint32_t bit) {
  return bit > 0 ? v >= threshold : v > threshold;
}

/// SAR: each bit adds what its capacitor weighs.
template <class F>
MQ_HD F sar_code(const AdcLaw& adc, const ConverterView& converter, F v) {
  const float middle = static_cast<float>(1u << (adc.bits - 1));
  F level(-middle), code(-middle);
  for (std::uint32_t bit = adc.bits; bit-- > 0;) {
    const float weight = static_cast<float>(1u << bit);
    const F with_bit = level + converter.field<F>(kFirstOfKind + bit, weight);
    const auto keeps = keeps_bit(v, with_bit - 0.5f, bit);
    level = select(keeps, with_bit, level);
    code = select(keeps, code + weight, code);
  }
  return code;
}

/// Ramp: the code is the number of thresholds that the ramp has passed when it meets v.
template <class F>
MQ_HD F ramp_code(const AdcLaw& adc, const ConverterView& converter, F v) {
  using Int = typename LaneTraits<F>::Int;
  using UInt = typename LaneTraits<F>::UInt;
  const float middle = static_cast<float>(1u << (adc.bits - 1));
  if (converter.planes == nullptr) return rint(clamp(v, F(-middle), F(middle)));
  const float* thresholds = converter.planes + kFirstOfKind * converter.stride + converter.o;
  const Int lane = as_signed(ascending_from<UInt>(0u));
  Int passed(0);
  for (std::uint32_t bit = adc.bits; bit-- > 0;) {
    const Int trial = passed + Int(std::int32_t(1) << bit);
    const F threshold =
        gather(thresholds, (trial - Int(1)) * Int(static_cast<std::int32_t>(converter.stride)) + lane);
    passed = to_int(select(keeps_bit(v, threshold, bit), to_float(trial), to_float(passed)));
  }
  return to_float(passed) - middle;
}

/// CCO: whole periods that an oscillator per polarity has counted; `phase` in [0, 1) is where it started.
template <class F>
MQ_HD F cco_code(const AdcLaw& adc, const ConverterView& converter, F v, F phase) {
  const auto is_negative = v < F(0.0f);
  const F gain =
      select(is_negative, converter.field<F>(kFirstOfKind + 1, 1.0f), converter.field<F>(kFirstOfKind, 1.0f));
  F periods = abs(v * gain);
  if (adc.compression != 0.0f) {
    const float beta = adc.compression;
    periods = periods * F(1.0f + beta) / fma(periods, F(beta / adc.limit), F(1.0f));
  }
  const F count = floor_of(min(periods, 2.0f * adc.limit + 2.0f) + phase);
  return select(is_negative, -count, count);
}

/// Pipeline, and cyclic with one stage for all bits: a stage decides d in {-1, 0, 1} (or +-1) and hands on
/// the residue of what it amplifies by two. With C_s = (1 + e) C_f and an amplifier of the open-loop gain A,
///     r' = ((2 + e) r - (1 + e) d) / (1 + 2 / A),
/// r relative to the reference 2^(bits - 1). Behind the last stage three levels decide on the last bit.
template <class F>
MQ_HD F staged_code(const AdcLaw& adc, const ConverterView& converter, F v) {
  const float reference = static_cast<float>(1u << (adc.bits - 1));
  const float shrink = 1.0f / (1.0f + 2.0f * adc.inverse_op_amp);
  const float threshold = adc.has_redundancy ? 0.25f : 0.0f;
  const bool is_cyclic = adc.kind == AdcKind::cyclic;
  F r = clamp(v * F(1.0f / reference), F(-1.0f), F(1.0f)), code(0.0f);
  for (std::uint32_t stage = 0; stage + 1 < adc.bits; ++stage) {
    const std::uint32_t first = kFirstOfKind + (is_cyclic ? 0u : 3u * stage);
    const F error = converter.field<F>(first, 0.0f), upper = converter.field<F>(first + 1, 0.0f),
            lower = converter.field<F>(first + 2, 0.0f);
    const F below = adc.has_redundancy ? select(r < lower - threshold, F(-1.0f), F(0.0f)) : F(-1.0f);
    const F d = select(r >= upper + threshold, F(1.0f), below);
    code = fma(code, 2.0f, d);
    r = fma(error + 2.0f, r, -(error + 1.0f) * d) * F(shrink);
  }
  return rint(code + clamp(r, F(-1.0f), F(1.0f)));
}

/// The code of v [LSB]: an integer in +-limit, or v itself of an ideal ADC. `phase` in [0, 1) of stochastic
/// rounding. What is beyond the range is marked in `is_clipped`.
template <class F>
MQ_HD F adc_code_of(const AdcLaw& adc, const ConverterView& converter, F v, F phase,
                    typename LaneTraits<F>::Mask& is_clipped) {
  const F limit(adc.limit);
  if (adc.kind == AdcKind::ideal) {
    is_clipped = v < v;
    return v;
  }
  if (adc.kind == AdcKind::cco) {
    const F code = cco_code(adc, converter, v, adc.is_stochastic ? phase : F(0.0f));
    is_clipped = abs(code) > limit;
    return clamp(code, F(-adc.limit), limit);
  }
  if (adc.is_stochastic) v = v + (phase - 0.5f);
  const F nearest = rint(v);
  is_clipped = abs(nearest) > limit;
  F code = nearest;
  if (adc.kind == AdcKind::ramp) code = ramp_code(adc, converter, v);
  if (adc.kind == AdcKind::sar) code = sar_code(adc, converter, v);
  if (adc.kind == AdcKind::pipeline || adc.kind == AdcKind::cyclic) code = staged_code(adc, converter, v);
  return clamp(code, F(-adc.limit), limit);
}

}  // namespace mq
