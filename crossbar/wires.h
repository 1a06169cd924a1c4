/// Wires of an array as config files describe them: section [wires].
///
/// Every line has one resistance per segment between neighbouring cells, and one more segment between its
/// terminal and the cell next to it, in series with the driver or the input of the converter.
/// docs/theory/wires.md draws the circuits.
#pragma once

#include <array>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/kernels/wires.h"

namespace mq {

enum class WireTopology {
  input_source,  ///< the input drives the word line, and the current of the cells flows through it
  gated,         ///< the input opens the transistors of its cells, between source line and bit line
};
constexpr auto names(WireTopology) { return std::array<std::string_view, 2>{"input-source", "gated"}; }

/// Which ends of the word lines are driven: the one next to the first output, or both by one potential.
enum class WireDrive { single_sided, double_sided };
constexpr auto names(WireDrive) { return std::array<std::string_view, 2>{"single", "double"}; }

/// Where bit lines are sensed: next to the last input, to the first, or at both ends, whose currents add up.
enum class SenseSide { last, first, both };
constexpr auto names(SenseSide) { return std::array<std::string_view, 3>{"last", "first", "both"}; }

struct WireParams {
  WireTopology topology = WireTopology::input_source;
  double word_line = 0.0;
  double bit_line = 0.0;
  double driver = 0.0;
  double sense = 0.0;
  WireDrive drive = WireDrive::single_sided;
  SenseSide sense_side = SenseSide::last;
  double tolerance = 1e-6;

  static constexpr auto describe() {
    constexpr auto resists = [](const WireParams& p) { return !p.is_ideal(); };
    constexpr auto has_word_line = [](const WireParams& p) { return p.word_line > 0.0 || p.driver > 0.0; };
    constexpr auto has_bit_line = [](const WireParams& p) { return p.bit_line > 0.0 || p.sense > 0.0; };
    constexpr auto has_matrix = [](const WireParams& p) { return !p.is_ideal() && !p.is_gated(); };
    using enum Unit;
    return fields(
        field(
            "topology", &WireParams::topology,
            "input-source: the input drives the word line and feeds the cells through it. gated: the input, "
            "0 or 1, opens the transistors of its cells, and word_line, driver and drive are those of the "
            "source line that runs along each bit line; needs inputs of one bit at a time.")
            .acts_where("a resistance of [wires] is above 0", resists),
        field("word_line", &WireParams::word_line, ohm, between(0, 1e9),
              "Resistance of a word line from one cell to the next. 0: ideal."),
        field("bit_line", &WireParams::bit_line, ohm, between(0, 1e9),
              "Resistance of a bit line from one cell to the next. 0: ideal."),
        field("driver", &WireParams::driver, ohm, between(0, 1e9),
              "Resistance of the driver of a word line, before the first segment."),
        field("sense", &WireParams::sense, ohm, between(0, 1e9),
              "Resistance of what senses a bit line, behind its last segment."),
        field("drive", &WireParams::drive,
              "single: word lines are driven at the first output; double: at both ends.")
            .acts_where("wires.word_line or wires.driver > 0", has_word_line),
        field("sense_side", &WireParams::sense_side,
              "Bit lines are sensed at the last input, at the first, or at both ends, added up.")
            .acts_where("wires.bit_line or wires.sense > 0", has_bit_line),
        field("tolerance", &WireParams::tolerance, between(1e-7, 1e-2),
              "input-source: relative accuracy of the effective matrix.")
            .acts_where("a resistance of [wires] is above 0 and wires.topology is input-source", has_matrix));
  }

  /// Whether nothing resists: an array does as without wires.
  bool is_ideal() const { return word_line == 0.0 && bit_line == 0.0 && driver == 0.0 && sense == 0.0; }
  /// Whether every input vector is a circuit of its own: no matrix stands for such an array.
  bool is_gated() const { return topology == WireTopology::gated && !is_ideal(); }
};

/// The network of resistances that they stand for.
WireNetwork network_of(const WireParams& params);

}  // namespace mq
