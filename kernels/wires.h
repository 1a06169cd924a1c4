/// Arrays whose lines have resistance: the network, and its effective conductance matrix.
///
/// Topology "input-source" (docs/theory/wires.md has the drawing): cell (o, i) joins word line i, which the
/// input drives, to bit line o, whose current is the output. Word line i meets its cells in the order o = 0,
/// 1, ...; bit line o meets its cells in the order i = 0, 1, ... Neighbouring cells of a line are one segment
/// apart. An end of a line has a terminal of given potential, or is open.
#pragma once

#include <limits>

namespace mq {

/// A set of parallel lines, all alike. At least one end has a terminal. Where both have one and `segment` is
/// above 0, `last` is above 0.
struct WireLine {
  static constexpr double kOpen = std::numeric_limits<double>::infinity();

  double segment = 0.0;  ///< between neighbouring cells [Ohm]
  double first = 0.0;    ///< from the first cell to the terminal at that end [Ohm]
  double last = kOpen;   ///< from the last cell to the terminal at that end [Ohm]
};

struct WireNetwork {
  WireLine word;
  WireLine bit{.first = WireLine::kOpen, .last = 0.0};
};

}  // namespace mq
