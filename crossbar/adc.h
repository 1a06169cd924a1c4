/// Analog-to-digital converters at the bit lines and the output stages in front of them.
///
/// Laws: kernels/adc_law.h. Equations and sources: docs/theory/converters.md. A uniform ADC without errors is
/// part of the fused product; every other goes through convert_outputs (kernels/convert_outputs.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "meltquench/core/fields.h"
#include "meltquench/kernels/adc_law.h"

namespace mq {

/// Largest code of a converter with `bits` bits, sign included: 2^(bits - 1) - 1.
constexpr int largest_code(int bits) { return (1 << (bits - 1)) - 1; }

/// Names in config files; an ideal ADC is one of 0 bits.
constexpr auto names(AdcKind) {
  using enum AdcKind;
  return std::array<std::pair<std::string_view, AdcKind>, 6>{{{"uniform", uniform},
                                                              {"ramp", ramp},
                                                              {"sar", sar},
                                                              {"cco", cco},
                                                              {"pipeline", pipeline},
                                                              {"cyclic", cyclic}}};
}

/// Which outputs share one range; `column`: none, each output of a tile and plane has its own.
enum class RangeGroup { layer, slice, tile, column };
constexpr auto names(RangeGroup) {
  return std::array<std::string_view, 4>{"layer", "slice", "tile", "column"};
}

/// How a range follows from what outputs do: see adc_ranges.h.
enum class RangeMethod { maximum, percentile, least_error, full_scale };
constexpr auto names(RangeMethod) {
  return std::array<std::string_view, 4>{"maximum", "percentile", "least-error", "full-scale"};
}

/// What happens to a sample of which an output was cut.
enum class BoundManagement {
  none,
  iterative,  ///< the sample is read again with inputs half as large, until nothing is cut
};
constexpr auto names(BoundManagement) { return std::array<std::string_view, 2>{"none", "iterative"}; }

/// Bits that a stage of a pipeline decides on.
enum class StageBits { one_and_a_half, one };
constexpr auto names(StageBits) { return std::array<std::string_view, 2>{"1.5", "1"}; }

struct AdcParams {
  AdcKind kind = AdcKind::uniform;
  int bits = 8;
  std::optional<double> range{};
  RangeGroup range_per = RangeGroup::tile;
  RangeMethod range_from = RangeMethod::maximum;
  double percentile = 99.98;
  float offset = 0.0f;
  float gain_error = 0.0f;
  float inl = 0.0f;
  float mismatch = 0.0f;
  float noise = 0.0f;
  bool stochastic = false;
  float compression = 0.0f;
  StageBits stage_bits = StageBits::one_and_a_half;
  double op_amp_gain = 0.0;
  float comparator = 0.0f;
  BoundManagement bound_management = BoundManagement::none;
  int bound_rounds = 4;

  static constexpr auto describe() {
    constexpr auto converts = [](const AdcParams& p) { return p.bits > 0; };
    constexpr auto is_found = [](const AdcParams& p) { return p.bits > 0 && !p.range; };
    constexpr auto is_percentile = [](const AdcParams& p) {
      return p.bits > 0 && !p.range && p.range_from == RangeMethod::percentile;
    };
    constexpr auto has_parts = [](const AdcParams& p) { return p.bits > 0 && p.kind != AdcKind::uniform; };
    constexpr auto is_cco = [](const AdcParams& p) { return p.bits > 0 && p.kind == AdcKind::cco; };
    constexpr auto has_stages = [](const AdcParams& p) {
      return p.bits > 0 && (p.kind == AdcKind::pipeline || p.kind == AdcKind::cyclic);
    };
    constexpr auto halves = [](const AdcParams& p) {
      return p.bits > 0 && p.bound_management == BoundManagement::iterative;
    };
    return fields(
        field("kind", &AdcParams::kind, "Architecture; without errors all but cco give the same codes.")
            .acts_where("adc.bits > 0", converts),
        field("bits", &AdcParams::bits, between(0, 16),
              "Resolution with sign; 0: ideal and without errors, outputs stay floats."),
        field("range", &AdcParams::range, signal_scale,
              "Largest |y| of a tile in weight units; unset: found on calibration data as range_per and "
              "range_from say."),
        field("range_per", &AdcParams::range_per, "Which outputs share a range that is found.")
            .acts_where("adc.bits > 0 and adc.range is unset", is_found),
        field("range_from", &AdcParams::range_from,
              "A range that is found is the largest |y|, a percentile of |y|, the one with the least mean "
              "squared error, or the largest |y| that weights and inputs allow.")
            .acts_where("adc.bits > 0 and adc.range is unset", is_found),
        field("percentile", &AdcParams::percentile, between(50, 100),
              "Share of |y| within the range in percent, with range_from = \"percentile\".")
            .acts_where("adc.bits > 0, adc.range is unset and adc.range_from is percentile", is_percentile),
        field("offset", &AdcParams::offset, between(0, 1e6),
              "Standard deviation of the offset from converter to converter, in steps (LSB).")
            .acts_where("adc.bits > 0", converts),
        field("gain_error", &AdcParams::gain_error, between(0, 1e6),
              "Standard deviation of the gain from converter to converter, relative.")
            .acts_where("adc.bits > 0", converts),
        field("inl", &AdcParams::inl, between(0, 1e6),
              "Standard deviation of the largest integral nonlinearity of a converter, a bow and an S that "
              "are zero at both ends, in steps.")
            .acts_where("adc.bits > 0", converts),
        field("mismatch", &AdcParams::mismatch, between(0, 1),
              "Relative standard deviation, from part to part, of the steps of a ramp, of unit capacitors of "
              "a SAR, of the two oscillators of a CCO, or of the capacitor ratio of stages.")
            .acts_where("adc.bits > 0 and adc.kind is ramp, sar, cco, pipeline or cyclic", has_parts),
        field("noise", &AdcParams::noise, between(0, 1e6),
              "Standard deviation of the noise of every conversion, in steps.")
            .acts_where("adc.bits > 0", converts),
        field("stochastic", &AdcParams::stochastic,
              "Rounds up with the probability of the fraction; a CCO: starts at a random phase.")
            .acts_where("adc.bits > 0", converts),
        field("compression", &AdcParams::compression, between(0, 1e6),
              "Of a CCO: beta of its frequency (1 + beta) u / (1 + beta |u|), u relative to full scale.")
            .acts_where("adc.bits > 0 and adc.kind is cco", is_cco),
        field("stage_bits", &AdcParams::stage_bits, "Bits per stage of a pipeline or cyclic ADC.")
            .acts_where("adc.bits > 0 and adc.kind is pipeline or cyclic", has_stages),
        field("op_amp_gain", &AdcParams::op_amp_gain, between(0, 1e12),
              "Open-loop gain of the amplifiers of a pipeline or cyclic ADC; 0: infinite.")
            .acts_where("adc.bits > 0 and adc.kind is pipeline or cyclic", has_stages),
        field("comparator", &AdcParams::comparator, between(0, 1e6),
              "Standard deviation of the comparators of stages of a pipeline or cyclic ADC, relative to full "
              "scale.")
            .acts_where("adc.bits > 0 and adc.kind is pipeline or cyclic", has_stages),
        field(
            "bound_management", &AdcParams::bound_management,
            "iterative: samples of which an output was cut are read again with inputs half as large; others "
            "keep what they have.")
            .acts_where("adc.bits > 0", converts),
        field("bound_rounds", &AdcParams::bound_rounds, between(1, 10),
              "How often inputs are halved at most.")
            .acts_where("adc.bound_management is iterative", halves));
  }
  std::string problem() const;

  bool is_ideal() const { return bits == 0; }
  /// Whether the codes are not those of the uniform ADC in the fused product: these need the general path.
  bool has_errors() const;
  AdcLaw law() const;
};

/// What stands between an array's outputs and their ADCs. In the order in which it acts:
///
///     y (1 / (1 + series_resistance G)) + offset, y / (1 + |n y| / Y), negative ones * (1 - asymmetry), *
///     gain
///
/// with the full scale Y of the converter and the conductance G of all cells of the output.
struct PeripheryParams {
  double series_resistance = 0.0;  ///< [Ohm]
  float offset = 0.0f;
  float s_shape = 0.0f;
  float s_shape_spread = 0.0f;
  float asymmetry = 0.0f;
  float gain = 1.0f;
  float gain_error = 0.0f;

  static constexpr auto describe() {
    constexpr auto saturates = [](const PeripheryParams& p) { return p.s_shape > 0.0f; };
    return fields(field("series_resistance", &PeripheryParams::series_resistance, Unit::ohm, between(0, 1e12),
                        "Resistance between a bit line and the virtual ground of its output stage."),
                  field("offset", &PeripheryParams::offset, between(0, 1e6),
                        "Standard deviation of the offset from output to output, relative to full scale."),
                  field("s_shape", &PeripheryParams::s_shape, between(0, 1e6),
                        "n of the saturation y / (1 + n |y| / Y), Y the full scale."),
                  field("s_shape_spread", &PeripheryParams::s_shape_spread, between(0, 1e6),
                        "Standard deviation of n from output to output, relative to n.")
                      .acts_where("periphery.s_shape > 0", saturates),
                  field("asymmetry", &PeripheryParams::asymmetry, between(0, 1),
                        "By how much negative outputs shrink, relative."),
                  field("gain", &PeripheryParams::gain, between(1e-6, 1e6), "Gain of every output."),
                  field("gain_error", &PeripheryParams::gain_error, between(0, 1e6),
                        "Standard deviation of the gain from output to output, relative."));
  }
  bool has_errors() const;
  OutputLaw law() const { return {.s_shape = s_shape, .asymmetry = asymmetry, .gain = gain}; }
  /// What the series resistance leaves of an output: a virtual ground behind R_s sees I (1 + R_s G) = sum g
  /// v.
  double line_factor(double conductance) const { return 1.0 / (1.0 + series_resistance * conductance); }
};

ConverterSpread converter_spread(const AdcParams& adc, const PeripheryParams& periphery);

}  // namespace mq
