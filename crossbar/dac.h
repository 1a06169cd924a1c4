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
  learned,   ///< a range per layer that training finds
};
constexpr auto names(InputScaling) {
  return std::array<std::string_view, 5>{"none", "absmax", "average", "constant", "learned"};
}

struct DacParams {
  int bits = 8;
  std::optional<double> range{};
  InputScaling scaling = InputScaling::none;
  double scale = 1.0;
  double average_decay = 0.001;
  float input_noise = 0.0f;
  float asymmetry = 0.0f;

  static constexpr auto describe() {
    return fields(
        field("bits", &DacParams::bits, between(0, 12),
              "Resolution with sign; 0: ideal, inputs stay floats."),
        field("range", &DacParams::range, positive,
              "Largest |x|, after scaling; unset: largest |x| on calibration data, or 1 with scaling."),
        field(
            "scaling", &DacParams::scaling,
            "What inputs are divided by: nothing, the largest |x| of the sample, a running average of it, a "
            "constant, or a learned range."),
        field("scale", &DacParams::scale, positive, "The constant, with scaling = \"constant\"."),
        field("average_decay", &DacParams::average_decay, between(0, 1),
              "Weight of a new sample in the running average, with scaling = \"average\"."),
        field("input_noise", &DacParams::input_noise, between(0, 1),
              "Standard deviation of every input line of every sample, relative to the range."),
        field("asymmetry", &DacParams::asymmetry, between(0, 1),
              "By how much negative inputs shrink, relative."));
  }
  std::string problem() const {
    if (bits == 1) return "bits must be 0 or at least 2: one bit is the sign";
    return "";
  }
};

}  // namespace mq
