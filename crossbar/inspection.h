/// What a circuit designer wants to see of one tile: voltages and currents of every cell for one input
/// vector.
///
/// Both polarities of a tile are arrays of their own, each with its own wires; a reference column is the last
/// bit line of the array whose zero it measures. Matrices are in the order of outputs and inputs, wherever
/// their lines are (`Tile::lines`): unused ones take part in the circuit, but are not shown. Without wires,
/// word lines are at the voltage of their input and bit lines at 0 V. With wires, the nodal equations are
/// solved in double precision (wire_circuit.h), at the conductances that products see now; cells pass what
/// the law of [current] says (nonlinear_circuit.h). ADCs and the noise of products are left out: currents are
/// what ADCs would get. Where inputs open transistors (gated_wires.h), x is 0 or full scale, source lines are
/// at v_read, and `word` are their potentials; inputs of a phase are of one sign.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

/// The array of one polarity. Matrices are [outputs, inputs]; an array without cells has 0 outputs.
struct ArrayReading {
  std::size_t outputs = 0;
  std::vector<double> conductances;   ///< [outputs, inputs] S
  std::vector<double> word, bit;      ///< [outputs, inputs] potentials of the lines at each cell [V]
  std::vector<double> cell_currents;  ///< [outputs, inputs] from word line to bit line [A]
  std::vector<double> currents;       ///< [outputs] that the bit lines deliver [A]
};

struct TileReading {
  std::size_t inputs = 0;
  double full_scale = 0.0;    ///< the x that v_read stands for; below 0 in a phase of negative inputs
  std::vector<double> volts;  ///< [inputs] of the drivers [V]
  ArrayReading plus, minus;   ///< of an offset array, `minus` has one output or none
};

/// What is looked at of a tile. Throws ConfigError as `inspect` for what there is not.
struct InspectedRead {
  int slice = 0;  ///< of sliced weights
  /// A read phase: drivers apply the code of the DAC in this phase, v_read at its largest. None: all of x at
  /// once, without rounding, as if inputs were not cut into phases.
  std::optional<std::uint32_t> phase{};
};

/// Drives tile `tile` (row-major in the grid) with x[inputs of the tile]. Input x stands for v_read [V] times
/// x / full scale, which is the range of the DAC, beyond which it clips, or the largest |x| where the DAC has
/// no range. Currents times full_scale / v_read, added over phases and, times
/// WeightMapping::weight_per_siemens, over slices, are outputs. Several devices per polarity are shown as
/// their sum. Throws ShapeError for a tile that does not exist or another number of inputs, ConfigError for
/// inputs or v_read that are no numbers, for a slice or phase that does not exist and for several devices per
/// polarity behind wires or with cells that are not linear, StateError before `program`, DataError where the
/// circuit has no accurate solution.
TileReading inspect(TileArray& array, const Exec& exec, std::size_t tile, std::span<const double> x,
                    double v_read, InspectedRead read = {});

}  // namespace mq
