/// Arrays whose lines have resistance: the network, and its effective conductance matrix.
///
/// Topology "input-source" (docs/theory/wires.md has the drawing): cell (o, i) joins word line i, which the
/// input drives, to bit line o, whose current is the output. Word line i meets its cells in the order o = 0,
/// 1, ...; bit line o meets its cells in the order i = 0, 1, ... Neighbouring cells of a line are one segment
/// apart. An end of a line has a terminal of given potential, or is open.
#pragma once

#include <cstddef>
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

/// effective[o, i] = current of output o at 1 V on input i and 0 V on all others, so that I = W V for any
/// inputs: what the array computes as one matrix product.
///
/// Floats do where cells conduct far less than lines do: up to some 1000 Ohm from end to end for cells of 25
/// uS. Other arrays, and those with shorted cells, are solved in double precision on the host, whatever the
/// backend (`floats_may_do` and kFloatIterations in wire_plan.h): slower, and for the same tolerance.
///
/// Networks of resistors are reciprocal, so one solution gives a whole row (1 V where bit line o is sensed)
/// or column (1 V at driver i): one for each line of the kind that there are fewer of. Each stops for itself,
/// so a result is a function of this struct alone: the same bits on every instruction set and thread count,
/// and on CUDA.
struct EffectiveMatrix {
  WireNetwork wires{};
  std::size_t outputs = 0, inputs = 0;
  /// [outputs, inputs] in S. Read noise may leave some slightly below 0: no line as a whole, and none by as
  /// much as a segment conducts.
  const float* g = nullptr;
  float* effective = nullptr;  ///< [outputs, inputs] in S; not g
  float tolerance = 1e-6f;     ///< of a row or column, relative to its largest element
  int most_iterations = 1000;
};

}  // namespace mq
