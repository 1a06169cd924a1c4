/// Size and analog noise of one crossbar. Section [tile] of a config.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/units.h"

namespace mq {

/// How the read noise of a cell in one product depends on what it holds. Noise is independent from cell to
/// cell and from product to product; noise with memory is section [cell_noise].
enum class ReadNoiseLaw {
  square_root,   ///< variance read_noise^2 |g+ - g-| of a weight, with conductances relative to full scale
  constant,      ///< every cell read_noise, whatever it holds
  proportional,  ///< every cell read_noise times its conductance
  device,        ///< what the device model states for a read at this time
  nanosecond,    ///< devices/nanosecond_noise.h, for inputs that are pulses of |x| pulse_time
};
constexpr auto names(ReadNoiseLaw) {
  return std::array<std::string_view, 5>{"square-root", "constant", "proportional", "device", "nanosecond"};
}

/// Noise is relative to the signal of one fully-on cell at full-scale input: (largest weight) x (DAC range,
/// or 1 without a DAC).
struct TileParams {
  int rows = 256;     ///< word lines: inputs
  int columns = 256;  ///< bit lines: outputs, each a differential pair
  float output_noise = 0.0f;
  float read_noise = 0.0f;
  ReadNoiseLaw read_noise_law = ReadNoiseLaw::square_root;
  float pulse_time = 128.0_ns;
  double write_time = 0.0;  ///< [s]

  static constexpr auto describe() {
    return fields(
        field("rows", &TileParams::rows, between(1, 65534), "Word lines, one per input."),
        field("columns", &TileParams::columns, between(1, 65536), "Bit-line pairs, one per output."),
        field("output_noise", &TileParams::output_noise, non_negative,
              "Standard deviation added to every output of every product, relative to one fully-on cell."),
        field("read_noise", &TileParams::read_noise, non_negative,
              "Short-term read noise per product; what it means is read_noise_law's to say. square-root: an "
              "output gets read_noise * sqrt(sum |w_ij| x_j^2), with w and x relative to full scale."),
        field("read_noise_law", &TileParams::read_noise_law,
              "How the read noise of a cell in one product depends on its conductance. device and nanosecond "
              "bring their own size; nanosecond also depends on how long each input is on."),
        field("pulse_time", &TileParams::pulse_time, Unit::second, positive,
              "nanosecond: time for which an input at full scale is on."),
        field("write_time", &TileParams::write_time, Unit::second, between(0, 1e6),
              "Time to write one word line: lines are written one after the other, and the reference read "
              "follows the last. 0: all at once."));
  }
  bool has_own_size() const {
    return read_noise_law == ReadNoiseLaw::device || read_noise_law == ReadNoiseLaw::nanosecond;
  }
  /// Whether products draw read noise.
  bool reads_noisily() const { return read_noise > 0.0f || has_own_size(); }
  std::string problem() const {
    if (has_own_size() && read_noise > 0.0f)
      return "read_noise_law = device or nanosecond brings its own size; leave read_noise = 0";
    return "";
  }
};

}  // namespace mq
