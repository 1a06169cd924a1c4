/// Arrays whose cells are not ohmic: Newton's method around the exact circuits of linear cells.
///
/// Every step replaces each cell by its slope at the present voltage and a source of what is missing, solves
/// that linear circuit, and goes there, or part of the way where the residual would grow. Currents then no
/// longer depend linearly on the inputs: each vector of inputs is a circuit of its own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/gated_wires.h"
#include "meltquench/crossbar/wires.h"
#include "meltquench/devices/current_law.h"

namespace mq {

struct NewtonAccuracy {
  double tolerance = 1e-10;  ///< of the residual
  int most_iterations = 50;
};

/// A nonlinear circuit. Nodes have one cell each, so what a cell passes and what its wires carry away should
/// be equal at every node: the residual is the norm of their differences, relative to that of the currents.
struct NonlinearSolution {
  std::vector<double> line;          ///< [outputs, inputs] word line, or source line, at each cell [V]
  std::vector<double> bit;           ///< [outputs, inputs] bit line at each cell [V]
  std::vector<double> cell_current;  ///< [outputs, inputs] A
  std::vector<double> currents;      ///< [outputs] that the bit lines deliver [A]
  int iterations = 0;  ///< linear circuits solved after the first, which is that of small signals
  double residual = 0.0;
  bool has_converged = false;
};

/// Inputs drive word lines at volts[inputs]; conductances g[outputs, inputs], S, in host memory. Throws
/// ShapeError, and ConfigError for parameters out of range.
NonlinearSolution solve_nonlinear(const WireParams& wires, const CurrentParams& law,
                                  MatrixView<const float> g, std::span<const double> volts,
                                  const NewtonAccuracy& accuracy = {});

/// The same array from outputs to inputs: volts[outputs] at the terminals where bit lines are sensed, and
/// `currents` [inputs] that the word lines deliver into their drivers, at 0 V. Voltage over a cell still
/// counts from word line to bit line. Throws likewise.
NonlinearSolution solve_nonlinear_transposed(const WireParams& wires, const CurrentParams& law,
                                             MatrixView<const float> g, std::span<const double> volts,
                                             const NewtonAccuracy& accuracy = {});

/// Inputs open transistors; what is not linear in `law` is the cell and, where it saturates, its transistor.
NonlinearSolution solve_nonlinear(const GatedNetwork& network, const CurrentParams& law,
                                  MatrixView<const float> g, double v_source,
                                  std::span<const std::uint8_t> gates, const NewtonAccuracy& accuracy = {});

/// Output currents [outputs], A, where wires have no resistance: the sum of what the cells pass at
/// volts[inputs].
std::vector<double> nonlinear_currents(const CurrentParams& law, MatrixView<const float> g,
                                       std::span<const double> volts);

}  // namespace mq
