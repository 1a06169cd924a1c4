/// Output stages and ADCs: parameters of a layer, and of each converter. The formulas are adc_codes.h.
///
/// Equations: docs/theory/converters.md. Sources of the architectures:
///   ramp      M. J. Marinella et al., IEEE J. Emerg. Sel. Topics Circuits Syst. 8, 86 (2018)
///   SAR       J. L. McCreary, P. R. Gray, IEEE J. Solid-State Circuits 10, 371 (1975)
///   CCO       R. Khaddam-Aljameh et al., IEEE J. Solid-State Circuits 57, 1027 (2022)
///   pipeline  S. H. Lewis et al., IEEE J. Solid-State Circuits 27, 351 (1992)
///   cyclic    P. W. Li, M. J. Chin, P. R. Gray, R. Castello, IEEE J. Solid-State Circuits 19, 828 (1984)
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/host_device.h"

namespace mq {

enum class AdcKind : std::uint32_t { uniform, ramp, sar, cco, pipeline, cyclic, ideal };

/// What all ADCs of a layer have in common.
struct AdcLaw {
  AdcKind kind = AdcKind::ideal;
  std::uint32_t bits = 0;       ///< sign included; 2 to 16, a ramp at most 12
  float limit = 1.0f;           ///< largest |code|; of an ideal ADC the full scale in the units of its input
  float noise = 0.0f;           ///< standard deviation of every conversion [LSB]
  bool is_stochastic = false;   ///< rounds up with the probability of the fraction
  float compression = 0.0f;     ///< CCO: beta of the frequency (1 + beta) u / (1 + beta |u|)
  float inverse_op_amp = 0.0f;  ///< pipeline, cyclic: 1 / open-loop gain
  bool has_redundancy = true;   ///< pipeline, cyclic: 1.5 bits per stage, or 1
};

/// What all output stages have in common, in the order in which it acts.
struct OutputLaw {
  float s_shape = 0.0f;    ///< n of v / (1 + n |v| / L)
  float asymmetry = 0.0f;  ///< negative outputs shrink by 1 - asymmetry
  float gain = 1.0f;
};

/// Standard deviations from converter to converter.
struct ConverterSpread {
  float output_offset = 0.0f;  ///< relative to full scale, before the S-shape
  float s_shape = 0.0f;        ///< relative to OutputLaw::s_shape
  float output_gain = 0.0f;
  float offset = 0.0f;  ///< of the ADC [LSB]
  float gain = 0.0f;    ///< of the ADC
  float inl = 0.0f;     ///< largest deviation of a bow, and of an S, that are zero at both ends [LSB]
  /// Ramp: a step, relative. SAR: a unit capacitor, relative. CCO: the gain of either polarity. Pipeline,
  /// cyclic: the ratio of the capacitors of a stage.
  float mismatch = 0.0f;
  float comparator = 0.0f;  ///< pipeline, cyclic: a comparator of a stage, relative to full scale
};

/// The planes [field][outputs] of converters: these, and then those of the architecture.
enum ConverterField : std::uint32_t {
  kOutputOffset,  ///< relative to full scale
  kSShapeFactor,
  kOutputGain,  ///< a factor
  kAdcOffset,   ///< [LSB]
  kAdcGain,     ///< a factor
  kBow,         ///< [LSB]
  kSBow,        ///< [LSB]
  kFirstOfKind
};

/// SAR: what each bit adds. Ramp: the thresholds below codes -L .. L. CCO: factors of positive and negative
/// inputs. Pipeline: per stage the error of the capacitors and the upper and lower comparator; cyclic: once.
MQ_HD constexpr std::uint32_t converter_fields(const AdcLaw& adc) {
  switch (adc.kind) {
    case AdcKind::ramp:
      return kFirstOfKind + (1u << adc.bits) - 1;
    case AdcKind::sar:
      return kFirstOfKind + adc.bits;
    case AdcKind::cco:
      return kFirstOfKind + 2;
    case AdcKind::pipeline:
      return kFirstOfKind + 3 * (adc.bits - 1);
    case AdcKind::cyclic:
      return kFirstOfKind + 3;
    case AdcKind::uniform:
    case AdcKind::ideal:
      break;
  }
  return kFirstOfKind;
}

}  // namespace mq
