#include "meltquench/crossbar/nonlinear_circuit.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/crossbar/wire_circuit.h"

namespace mq {
namespace {

/// Potentials of a linear circuit, and what its wires carry away from each cell.
struct LinearState {
  std::vector<double> line, bit, carried, currents;
};

void mix(std::vector<double>& from, const std::vector<double>& to, double share) {
  for (std::size_t i = 0; i < from.size(); ++i) from[i] += share * (to[i] - from[i]);
}

LinearState mixed(LinearState from, const LinearState& to, double share) {
  mix(from.line, to.line, share);
  mix(from.bit, to.bit, share);
  mix(from.carried, to.carried, share);
  mix(from.currents, to.currents, share);
  return from;
}

/// Currents and slopes of all cells at the voltages of a state.
struct Cells {
  std::vector<double> current, slope;
  double norm = 0.0, residual = 0.0;  ///< of the currents, and of what the wires carry differently

  Cells(const CurrentParams& law, const std::vector<double>& g, const LinearState& at)
      : current(g.size()), slope(g.size()) {
    for (std::size_t i = 0; i < g.size(); ++i) {
      const CurrentPoint<double> point = cell_current(law, g[i], at.line[i] - at.bit[i]);
      if (point.slope < 0.0) {
        throw ConfigError("the current of a cell of " + format_quantity(g[i], Unit::siemens) + " falls at " +
                          format_quantity(at.line[i] - at.bit[i], Unit::volt) +
                          "; the law of [current] must rise over all voltages that cells see");
      }
      current[i] = point.current;
      slope[i] = point.slope;
      const double missing = point.current - at.carried[i];
      norm += point.current * point.current;
      residual += missing * missing;
    }
    norm = std::sqrt(norm);
    residual = std::sqrt(residual);
  }
};

/// `solve(slopes, offsets, state)` fills line, bit and currents of the circuit whose cells pass
/// slope * voltage + offset.
template <class Solve>
NonlinearSolution newton(const CurrentParams& law, const std::vector<double>& g,
                         const NewtonAccuracy& accuracy, Solve&& solve) {
  const std::size_t size = g.size();
  LinearState state;
  state.line.resize(size);
  state.bit.resize(size);
  state.carried.resize(size);
  std::vector<double> slopes(size), offsets(size, 0.0);
  const auto solve_linear = [&](LinearState& to) {
    solve(slopes, offsets, to);
    for (std::size_t i = 0; i < size; ++i) {
      to.carried[i] = slopes[i] * (to.line[i] - to.bit[i]) + offsets[i];
    }
  };
  for (std::size_t i = 0; i < size; ++i) slopes[i] = linear_conductance(law, g[i]);
  solve_linear(state);

  NonlinearSolution found;
  Cells cells(law, g, state);
  while (cells.residual > accuracy.tolerance * cells.norm && found.iterations < accuracy.most_iterations) {
    throw_if_stopped();
    for (std::size_t i = 0; i < size; ++i) {
      slopes[i] = cells.slope[i];
      offsets[i] = cells.current[i] - cells.slope[i] * (state.line[i] - state.bit[i]);
    }
    LinearState target = state;
    solve_linear(target);
    ++found.iterations;
    // The residual falls along the step at first; far away it may grow again.
    LinearState next = target;
    Cells next_cells(law, g, next);
    for (double share = 0.5; !(next_cells.residual < cells.residual) && share > 1e-4; share *= 0.5) {
      next = mixed(state, target, share);
      next_cells = Cells(law, g, next);
    }
    if (!(next_cells.residual < cells.residual)) break;  // rounding is all that is left
    state = std::move(next);
    cells = std::move(next_cells);
  }
  found.residual = cells.norm > 0.0 ? cells.residual / cells.norm : 0.0;
  found.has_converged = cells.residual <= accuracy.tolerance * cells.norm;
  found.line = std::move(state.line);
  found.bit = std::move(state.bit);
  found.currents = std::move(state.currents);
  found.cell_current = std::move(cells.current);
  return found;
}

std::vector<double> checked_cells(const CurrentParams& law, MatrixView<const float> g, std::size_t inputs) {
  check_fields(law, "current");
  if (inputs != g.columns) {
    throw ShapeError("there are " + std::to_string(inputs) + " inputs for an array of " +
                     std::to_string(g.columns));
  }
  if (!std::all_of(g.data, g.data + g.size(), [](float s) { return s >= 0.0f && std::isfinite(s); })) {
    throw ConfigError("a conductance is negative or no finite number; cells are passive");
  }
  return {g.data, g.data + g.size()};
}

/// Driven word lines deliver currents at the bit lines, driven bit lines at the word lines.
NonlinearSolution solve_lines(const WireParams& wires, const CurrentParams& law, MatrixView<const float> g,
                              const std::vector<double>& cells, const WireSources& driven,
                              const NewtonAccuracy& accuracy) {
  WireCircuit circuit(wires, {cells.data(), g.rows, g.columns});
  const WireAccuracy linear{.tolerance = std::max(1e-13, 1e-2 * accuracy.tolerance)};
  WireSolution last;
  std::vector<double> out_of_words(cells.size());
  return newton(law, cells, accuracy,
                [&](const std::vector<double>& slopes, const std::vector<double>& offsets, LinearState& to) {
                  circuit.set_conductances({slopes.data(), g.rows, g.columns});
                  for (std::size_t i = 0; i < offsets.size(); ++i) out_of_words[i] = -offsets[i];
                  last = circuit.solve_rhs({.word_volts = driven.word_volts,
                                            .bit_volts = driven.bit_volts,
                                            .word_amps = out_of_words,
                                            .bit_amps = offsets},
                                           linear, last.bit.empty() ? nullptr : &last);
                  to.line = last.word;
                  to.bit = last.bit;
                  to.currents = last.bit_current;
                  if (driven.bit_volts.empty()) return;
                  to.currents = last.word_current;  // counted into the array
                  for (double& current : to.currents) current = -current;
                });
}

}  // namespace

NonlinearSolution solve_nonlinear(const WireParams& wires, const CurrentParams& law,
                                  MatrixView<const float> g, std::span<const double> volts,
                                  const NewtonAccuracy& accuracy) {
  return solve_lines(wires, law, g, checked_cells(law, g, volts.size()), {.word_volts = volts}, accuracy);
}

NonlinearSolution solve_nonlinear_transposed(const WireParams& wires, const CurrentParams& law,
                                             MatrixView<const float> g, std::span<const double> volts,
                                             const NewtonAccuracy& accuracy) {
  const std::vector<double> cells = checked_cells(law, g, g.columns);
  if (volts.size() != g.rows) {
    throw ShapeError("there are " + std::to_string(volts.size()) + " voltages for an array of " +
                     std::to_string(g.rows) + " outputs");
  }
  return solve_lines(wires, law, g, cells, {.bit_volts = volts}, accuracy);
}

NonlinearSolution solve_nonlinear(const GatedNetwork& network, const CurrentParams& law,
                                  MatrixView<const float> g, double v_source,
                                  std::span<const std::uint8_t> gates, const NewtonAccuracy& accuracy) {
  std::vector<double> cells = checked_cells(law, g, gates.size());
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    if (gates[cell % g.columns] == 0) cells[cell] = 0.0;
  }
  return newton(law, cells, accuracy,
                [&](const std::vector<double>& slopes, const std::vector<double>& offsets, LinearState& to) {
                  to.currents.resize(g.rows);
                  for (std::size_t o = 0; o < g.rows; ++o) {
                    const std::size_t first = o * g.columns;
                    to.currents[o] = solve_gated_column(network, v_source, g.columns, slopes.data() + first,
                                                        offsets.data() + first, to.line.data() + first,
                                                        to.bit.data() + first);
                  }
                });
}

std::vector<double> nonlinear_currents(const CurrentParams& law, MatrixView<const float> g,
                                       std::span<const double> volts) {
  const std::vector<double> cells = checked_cells(law, g, volts.size());
  std::vector<double> currents(g.rows, 0.0);
  for (std::size_t o = 0; o < g.rows; ++o) {
    for (std::size_t i = 0; i < g.columns; ++i) {
      currents[o] += cell_current(law, cells[o * g.columns + i], volts[i]).current;
    }
  }
  return currents;
}

}  // namespace mq
