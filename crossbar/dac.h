/// Digital-to-analog converters: the drivers of the word lines.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"

namespace mq {

/// What inputs are divided by before they are converted, and outputs multiplied with afterwards.
enum class InputScaling {
  none,      ///< nothing
  absmax,    ///< the largest |x| of each sample
  average,   ///< a running average of the largest |x| of samples
  constant,  ///< `scale`
};
constexpr auto names(InputScaling) {
  return std::array<std::string_view, 4>{"none", "absmax", "average", "constant"};
}

/// How the read phases of serial inputs are added.
enum class Accumulation { digital, analog };
constexpr auto names(Accumulation) { return std::array<std::string_view, 2>{"digital", "analog"}; }

/// What stands for the size of an input.
enum class InputCoding {
  level,     ///< the voltage of the word line
  duration,  ///< the time for which the word line is at v_read
};
constexpr auto names(InputCoding) { return std::array<std::string_view, 2>{"level", "duration"}; }

struct DacParams {
  int bits = 8;
  double v_read = 0.2;
  InputCoding coding = InputCoding::level;
  std::optional<double> range{};
  InputScaling scaling = InputScaling::none;
  double scale = 1.0;
  double average_decay = 0.001;
  float input_noise = 0.0f;
  float asymmetry = 0.0f;
  int digit_bits = 0;
  bool splits_sign = false;
  Accumulation accumulation = Accumulation::digital;

  static constexpr auto describe() {
    constexpr auto converts = [](const DacParams& p) { return p.bits > 0; };
    constexpr auto is_constant = [](const DacParams& p) { return p.scaling == InputScaling::constant; };
    constexpr auto is_average = [](const DacParams& p) { return p.scaling == InputScaling::average; };
    constexpr auto has_phases = [](const DacParams& p) {
      return p.bits > 0 && (p.digit_bits > 0 || p.splits_sign);
    };
    return fields(
        field("bits", &DacParams::bits, between(0, 12),
              "Resolution with sign; 0: ideal, inputs stay floats."),
        field("v_read", &DacParams::v_read, Unit::volt, between(1e-6, 1e3),
              "Voltage of a word line at full-scale input, or of the source lines of gated arrays."),
        field("coding", &DacParams::coding,
              "level: inputs are voltages; duration: inputs are times at v_read. It matters where [current] "
              "is not linear."),
        field("range", &DacParams::range, signal_scale,
              "Largest |x|, after scaling; unset: largest |x| on calibration data, or 1 with scaling."),
        field("scaling", &DacParams::scaling,
              "What inputs are divided by: nothing, the largest |x| of the sample, a running average of it, "
              "or a "
              "constant."),
        field("scale", &DacParams::scale, signal_scale, "The constant, with scaling = \"constant\".")
            .acts_where("dac.scaling is constant", is_constant),
        field("average_decay", &DacParams::average_decay, between(0, 1),
              "Weight of a new sample in the running average, with scaling = \"average\".")
            .acts_where("dac.scaling is average", is_average),
        field("input_noise", &DacParams::input_noise, between(0, 1),
              "Standard deviation of every input line of every sample, relative to the range.")
            .acts_where("dac.bits > 0", converts),
        field("asymmetry", &DacParams::asymmetry, between(0, 1),
              "By how much negative inputs shrink, relative.")
            .acts_where("dac.bits > 0", converts),
        field("digit_bits", &DacParams::digit_bits, between(0, 11),
              "Serial inputs: bits of |code| that drive the word lines at a time; 0: whole codes.")
            .acts_where("dac.bits > 0", converts),
        field("splits_sign", &DacParams::splits_sign,
              "Drivers of one polarity: positive and negative inputs are read one after the other.")
            .acts_where("dac.bits > 0", converts),
        field("accumulation", &DacParams::accumulation,
              "Read phases are converted one by one and added as codes, or added as charge before one "
              "conversion.")
            .acts_where("dac.bits > 0 and inputs are read in phases (dac.digit_bits > 0 or dac.splits_sign)",
                        has_phases));
  }
  std::string problem() const {
    if (bits == 1) return "bits must be 0 or at least 2: one bit is the sign";
    return "";
  }
};

/// Of the largest |x| of sample after sample; the first sample is its own average.
struct RunningAverage {
  double value = 0.0;

  double next(double sample, double decay) {
    value += (value > 0.0 ? decay : 1.0) * (sample - value);
    return value;
  }
};

/// The range of a DAC that no calibration changes: what is given, or with scaled inputs 1 (times the
/// constant).
inline std::optional<float> fixed_dac_range(const DacParams& dac) {
  if (!dac.range && dac.scaling == InputScaling::none) return {};
  const double factor = dac.scaling == InputScaling::constant ? dac.scale : 1.0;
  return static_cast<float>(dac.range.value_or(1.0) * factor);
}

}  // namespace mq
