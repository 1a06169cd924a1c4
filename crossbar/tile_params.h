/// Size and analog noise of one crossbar. Section [tile] of a config.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/core/units.h"

namespace mq {

/// Chips are looked at up to this time after the reference read [s]: a million years.
inline constexpr double kLatestTime = 1e6 * 365 * 86400.0;

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

/// How lines of a matrix are put on those of an array, given the cells that do not work.
enum class Remap {
  none,     ///< in their order; spare lines stay unused
  replace,  ///< the same, but the worst lines are put on spare ones
  permute,  ///< any line on any other
};
constexpr auto names(Remap) { return std::array<std::string_view, 3>{"none", "replace", "permute"}; }

/// Noise is relative to the signal of one fully-on cell at full-scale input: (largest weight) x (DAC range,
/// or 1 without a DAC).
struct TileParams {
  static constexpr int kMostLines = 2048;  ///< that may be permuted

  int rows = 256;         ///< word lines: inputs
  int columns = 256;      ///< bit lines: outputs, each a differential pair
  int spare_rows = 0;     ///< word lines beside those
  int spare_columns = 0;  ///< bit lines beside those, each a differential pair
  Remap remap = Remap::none;
  float output_noise = 0.0f;
  float read_noise = 0.0f;
  ReadNoiseLaw read_noise_law = ReadNoiseLaw::square_root;
  float pulse_time = 128.0_ns;
  double write_time = 0.0;  ///< [s]

  static constexpr auto describe() {
    constexpr auto is_relative = [](const TileParams& p) { return !p.has_own_size(); };
    constexpr auto has_size = [](const TileParams& p) { return p.reads_noisily(); };
    constexpr auto is_pulsed = [](const TileParams& p) {
      return p.read_noise_law == ReadNoiseLaw::nanosecond;
    };
    return fields(
        field("rows", &TileParams::rows, between(1, 65534), "Word lines, one per input."),
        field("columns", &TileParams::columns, between(1, 65536), "Bit-line pairs, one per output."),
        field("spare_rows", &TileParams::spare_rows, between(0, 1024), "Word lines beside those."),
        field("spare_columns", &TileParams::spare_columns, between(0, 1024), "Bit-line pairs beside those."),
        field(
            "remap", &TileParams::remap,
            "Where lines go at programming, given the cells that do not work. none: in their order. replace: "
            "the worst ones to spare lines. permute: any line anywhere, so that stuck cells meet weights "
            "that suit them."),
        field("output_noise", &TileParams::output_noise, between(0, 1e6),
              "Standard deviation added to every output of every product, relative to one fully-on cell."),
        field("read_noise", &TileParams::read_noise, between(0, 1e6),
              "Short-term read noise per product; what it means is read_noise_law's to say. square-root: an "
              "output gets read_noise * sqrt(sum |w_ij| x_j^2), with w and x relative to full scale.")
            .acts_where("tile.read_noise_law is square-root, constant or proportional", is_relative),
        field("read_noise_law", &TileParams::read_noise_law,
              "How the read noise of a cell in one product depends on its conductance. device and nanosecond "
              "bring their own size; nanosecond also depends on how long each input is on.")
            .acts_where("tile.read_noise > 0, or it is device or nanosecond", has_size),
        field("pulse_time", &TileParams::pulse_time, Unit::second, positive,
              "nanosecond: time for which an input at full scale is on.")
            .acts_where("tile.read_noise_law is nanosecond", is_pulsed),
        field("write_time", &TileParams::write_time, Unit::second, between(0, 1e6),
              "Time to write one word line: lines are written one after the other, and the reference read "
              "follows the last. 0: all at once."));
  }
  bool has_own_size() const {
    return read_noise_law == ReadNoiseLaw::device || read_noise_law == ReadNoiseLaw::nanosecond;
  }
  /// Whether products draw read noise.
  bool reads_noisily() const { return read_noise > 0.0f || has_own_size(); }
  /// The lines of a whole tile with its spare ones.
  int word_lines() const { return rows + spare_rows; }
  int bit_lines() const { return columns + spare_columns; }
  /// Whether lines of a matrix may sit elsewhere than in their order on all lines that there are.
  bool has_line_map() const { return spare_rows > 0 || spare_columns > 0 || remap == Remap::permute; }
  std::string problem() const {
    if (word_lines() > 65534) return "rows and spare_rows must not exceed 65534 together";
    if (bit_lines() > 65536) return "columns and spare_columns must not exceed 65536 together";
    if (remap == Remap::replace && spare_rows + spare_columns == 0)
      return "remap = replace needs spare lines; set spare_rows or spare_columns";
    if (remap == Remap::permute && (word_lines() > kMostLines || bit_lines() > kMostLines))
      return "remap = permute takes tiles of up to " + std::to_string(kMostLines) +
             " lines a side, since its time grows with their third power; use smaller tiles";
    return "";
  }
};

}  // namespace mq
