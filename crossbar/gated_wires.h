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
#include "meltquench/core/fields.h"
#include "meltquench/core/matrix_view.h"

namespace mq {

/// Where the source line gets its voltage.
enum class SourceEnd {
  far,   ///< opposite to the sense end: all paths through the column are equally long
  near,  ///< at the sense end
  both,
};
constexpr auto names(SourceEnd) { return std::array<std::string_view, 3>{"far", "near", "both"}; }

struct GatedWires {
  double r_source_line = 1.0;  ///< between neighbours, and between the last cell and the terminal [Ohm]
  double r_bit_line = 1.0;     ///< likewise
  double r_driver = 0.0;       ///< of each driven terminal of a source line [Ohm]
  double r_sense = 0.0;        ///< from the end of a bit line to the virtual ground [Ohm]
  SourceEnd source_end = SourceEnd::far;

  static constexpr auto describe() {
    using enum Unit;
    return fields(field("r_source_line", &GatedWires::r_source_line, ohm, non_negative,
                        "Resistance of the source line between two cells."),
                  field("r_bit_line", &GatedWires::r_bit_line, ohm, non_negative,
                        "Resistance of the bit line between two cells."),
                  field("r_driver", &GatedWires::r_driver, ohm, non_negative,
                        "Resistance of the driver of a source line."),
                  field("r_sense", &GatedWires::r_sense, ohm, non_negative,
                        "Resistance between a bit line and its virtual ground."),
                  field("source_end", &GatedWires::source_end, "Where the source line is driven."));
  }
};

/// Output currents [batch, outputs], A, of the conductances g[outputs, inputs], S, and gates[batch, inputs],
/// 0 or 1; all in host memory. `v_source` [V] is that of the source lines. Uses exec.threads; the currents do
/// not depend on it. Throws ConfigError for wires, conductances or gates that make no sense, ShapeError for
/// sizes that do not fit.
void gated_currents(const Exec& exec, const GatedWires& wires, double v_source, MatrixView<const float> g,
                    MatrixView<const std::uint8_t> gates, MatrixView<double> currents);

/// What every node of an array is at; [outputs, inputs], V.
struct GatedVoltages {
  std::vector<double> source_line, bit_line;
  std::vector<double> currents;  ///< [outputs], A
};

/// The same with all voltages, for one vector of gates[inputs]. Throws as `gated_currents`.
GatedVoltages gated_voltages(const GatedWires& wires, double v_source, MatrixView<const float> g,
                             const std::vector<std::uint8_t>& gates);

/// One column of cells that each pass `conductances[i] (s - b) + offsets[i]` from source line to bit line, as
/// Newton's method needs it: conductances in S, offsets in A (null: none), n of both. Fills source_line[n]
/// and bit_line[n] unless they are null, and returns the output current. Expects conductances >= 0.
double solve_gated_column(const GatedWires& wires, double v_source, std::size_t n, const double* conductances,
                          const double* offsets, double* source_line, double* bit_line);

}  // namespace mq
