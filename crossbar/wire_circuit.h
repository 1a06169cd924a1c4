/// The exact circuit of one array with resistive lines, for one input vector at a time, in double precision.
///
/// Matrices are [outputs, inputs] as conductances are: element (o, i) belongs to the cell between word line i
/// and bit line o. For many inputs on linear cells the effective matrix (kernels/wires.h) is the faster way.
/// Nonlinear cells: Newton's method replaces the conductances by the slopes at the present voltages and
/// injects, at each cell, the difference between its current and slope times voltage (`WireSources`).
#pragma once

#include <span>
#include <vector>

#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/wires.h"
#include "meltquench/kernels/wire_solver.h"

namespace mq {

/// Potentials and currents of a circuit. An iterative solver's failure is in `convergence`.
struct WireSolution {
  std::vector<double> word;          ///< [outputs, inputs] potential of the word line at each cell [V]
  std::vector<double> bit;           ///< [outputs, inputs] potential of the bit line at each cell [V]
  std::vector<double> word_current;  ///< [inputs] that drivers feed into the word lines [A]
  std::vector<double> bit_current;   ///< [outputs] that the bit lines deliver: the outputs [A]
  WireConvergence convergence;

  /// Voltage over a cell, from word line to bit line.
  double cell_voltage(std::size_t cell) const { return word[cell] - bit[cell]; }
};

class WireCircuit {
 public:
  /// Cells of conductance g [S]. Throws ShapeError for no cells, DataError for a conductance that is negative
  /// or no number.
  WireCircuit(const WireParams& params, MatrixView<const double> g);

  std::size_t outputs() const { return solver_.outputs(); }
  std::size_t inputs() const { return solver_.inputs(); }

  /// Other conductances for the same array, in time proportional to their number. Throws likewise.
  void set_conductances(MatrixView<const double> g);
  std::span<const double> conductances() const { return g_; }

  /// Inputs [inputs] in V at the drivers, bit lines sensed at 0 V. Throws ShapeError.
  WireSolution solve(std::span<const double> volts, const WireAccuracy& accuracy = {});
  /// Any sources. `guess`: the solution of a similar circuit, to start from; null: none.
  WireSolution solve_rhs(const WireSources& sources, const WireAccuracy& accuracy = {},
                         const WireSolution* guess = nullptr);

  struct Gradient {
    std::vector<double> g;      ///< [outputs, inputs] dL/dG
    std::vector<double> volts;  ///< [inputs] dL/dV
    WireConvergence convergence;
  };
  /// Gradient of a loss L of the outputs at the solution of `solve`, given dL/dI [outputs]. The adjoint
  /// circuit is the same one with dL/dI as potentials where the bit lines are sensed and 0 V at the drivers;
  /// the derivative by a conductance is minus the product of both voltages over the cell (S. W. Director and
  /// R. A. Rohrer, IEEE Trans. Circuit Theory 16, 318 (1969), doi:10.1109/TCT.1969.1082965).
  Gradient gradient(const WireSolution& solution, std::span<const double> d_current,
                    const WireAccuracy& accuracy = {});

 private:
  WireSolver solver_;
  std::vector<double> g_;
};

}  // namespace mq
