/// Wires of an array whose inputs open transistors: the gated topology, solved exactly.
///
/// Every cell sits between the source line and the bit line of its column, in series with a transistor that
/// one input opens (1) or closes (0). Word lines only carry gate voltage, no current, so columns do not know
/// of each other: per column the circuit is a ladder of two rails, and its solution is direct. Input 0 is the
/// cell farthest from the sense end:
///
///     driver (far)   --r_driver--r_source_line--s0--r_source_line--s1-- ... --s[n-1]--...-- driver (near)
///                                               |g0                |g1         |
///                                               b0--r_bit_line-----b1-- ... --b[n-1]--r_bit_line--r_sense--
///                                               0 V
///
/// A product is not linear in the gates: each vector of inputs is a circuit of its own, and costs O(inputs)
/// per column. All sums are of positive terms, so open and shorted cells and wires without resistance lose
/// no digits.
#pragma once

#include <cstdint>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/wires.h"
#include "meltquench/kernels/gated_products.h"

namespace mq {

/// What section [wires] means here: word_line is the source line, driver and drive are its own, and its first
/// end is that of input 0.
GatedNetwork gated_network_of(const WireParams& params);

/// Output currents [batch, outputs], A, of the conductances g[outputs, inputs], S, and gates[batch, inputs],
/// 0 or 1; all in host memory. Currents of a bit line with two terminals add up. Uses exec.threads; the
/// currents do not depend on it. Throws ConfigError for wires, conductances or gates that make no sense,
/// ShapeError for sizes that do not fit.
void gated_currents(const Exec& exec, const GatedNetwork& network, double v_source, MatrixView<const float> g,
                    MatrixView<const std::uint8_t> gates, MatrixView<double> currents);

/// What every node of an array is at; [outputs, inputs], V.
struct GatedVoltages {
  std::vector<double> source_line, bit_line;
  std::vector<double> currents;  ///< [outputs], A
};

/// The same with all voltages, for one vector of gates[inputs]. Throws as `gated_currents`.
GatedVoltages gated_voltages(const GatedNetwork& network, double v_source, MatrixView<const float> g,
                             const std::vector<std::uint8_t>& gates);

/// One column of cells that each pass `conductances[i] (s - b) + offsets[i]` from source line to bit line, as
/// Newton's method needs it: conductances in S, offsets in A (null: none), n of both. Fills source_line[n]
/// and bit_line[n] unless they are null, and returns the output current. Expects conductances >= 0.
double solve_gated_column(const GatedNetwork& network, double v_source, std::size_t n,
                          const double* conductances, const double* offsets, double* source_line,
                          double* bit_line);

}  // namespace mq
