/// One array as an ngspice netlist: what solvers of this library compute, for a second opinion or for adding
/// a circuit of one's own around it.
///
/// Nodes say line and position: w3_17 is word line 3 where it meets output 17, b17_3 bit line 17 where it
/// meets input 3, s17_3 the source line beside it, x17_3 lies between a cell and its access device; in3,
/// out17 and source are terminals. Lines without resistance are one node, w3. Cell (o, i) is Rc<o>_<i>, or
/// Bc<o>_<i> where it is not linear. Cells that conduct nothing are left out. An operating point is computed
/// and the currents i(vout0), i(vout1), ... are printed, with the accuracy of doubles (gmin 1e-15).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/gated_wires.h"
#include "meltquench/crossbar/wires.h"
#include "meltquench/devices/current_law.h"

namespace mq {

/// The cells of an array, in host memory.
struct NetlistCells {
  MatrixView<const float> g;     ///< [outputs, inputs] S
  CurrentParams current{};       ///< how the current of a cell grows with its voltage
  std::string description = {};  ///< a line of comment, e.g. "tile 3 of layer fc1, plus cells"
};

/// Inputs that drive word lines at volts[inputs]. Throws ShapeError if there are not as many as word lines,
/// ConfigError for parameters out of range and conductances or voltages that are negative or no numbers.
std::string netlist(const WireNetwork& network, const NetlistCells& cells, std::span<const double> volts);

/// Inputs that open the transistors of cells, gates[inputs] of 0 or 1; source lines at `v_source` [V].
/// Throws likewise.
std::string netlist(const GatedNetwork& network, const NetlistCells& cells, double v_source,
                    std::span<const std::uint8_t> gates);

}  // namespace mq
