#include "meltquench/crossbar/wire_circuit.h"

#include <algorithm>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

void check_size(const char* name, std::size_t size, std::size_t wanted, const char* what) {
  if (size == wanted) return;
  throw ShapeError(std::string(name) + " has " + std::to_string(size) + " values, but the array has " +
                   std::to_string(wanted) + " " + what + "; give one value for each");
}

MatrixView<const double> checked(MatrixView<const double> g) {
  if (g.rows == 0 || g.columns == 0) {
    throw ShapeError("an array of " + std::to_string(g.rows) + " outputs and " + std::to_string(g.columns) +
                     " inputs has no cells; give at least one of each");
  }
  return g;
}

}  // namespace

WireCircuit::WireCircuit(const WireParams& params, MatrixView<const double> g)
    : solver_(network_of(params), checked(g).rows, g.columns) {
  set_conductances(g);
}

void WireCircuit::set_conductances(MatrixView<const double> g) {
  if (g.rows != outputs() || g.columns != inputs()) {
    throw ShapeError("conductances are [" + std::to_string(g.rows) + ", " + std::to_string(g.columns) +
                     "], but the array is [" + std::to_string(outputs()) + ", " + std::to_string(inputs()) +
                     "] outputs and inputs; give one conductance for each cell");
  }
  for (std::size_t k = 0; k < g.size(); ++k) {
    if (!(g.data[k] >= 0.0 && g.data[k] <= 1e9)) {
      throw DataError("the conductance of the cell at output " + std::to_string(k / g.columns) + ", input " +
                      std::to_string(k % g.columns) + " is " + format_number(g.data[k]) +
                      " S; it must be a number in [0 S, 1e9 S]");
    }
  }
  g_.assign(g.data, g.data + g.size());
  solver_.set_conductances(g_);
}

WireSolution WireCircuit::solve(std::span<const double> volts, const WireAccuracy& accuracy) {
  check_size("volts", volts.size(), inputs(), "inputs");
  return solve_rhs({.word_volts = volts}, accuracy);
}

WireSolution WireCircuit::solve_rhs(const WireSources& sources, const WireAccuracy& accuracy,
                                    const WireSolution* guess) {
  if (!sources.word_volts.empty()) check_size("word_volts", sources.word_volts.size(), inputs(), "inputs");
  if (!sources.bit_volts.empty()) check_size("bit_volts", sources.bit_volts.size(), outputs(), "outputs");
  if (!sources.word_amps.empty()) check_size("word_amps", sources.word_amps.size(), g_.size(), "cells");
  if (!sources.bit_amps.empty()) check_size("bit_amps", sources.bit_amps.size(), g_.size(), "cells");
  if (guess != nullptr) check_size("guess", guess->bit.size(), g_.size(), "cells");

  WireSolution solution;
  solution.word.resize(g_.size());
  solution.bit = guess != nullptr ? guess->bit : std::vector<double>(g_.size());
  solution.word_current.resize(inputs());
  solution.bit_current.resize(outputs());
  solution.convergence = solver_.solve(
      sources, accuracy, {solution.word, solution.bit, solution.word_current, solution.bit_current});
  for (double& current : solution.word_current) current = -current;
  return solution;
}

WireCircuit::Gradient WireCircuit::gradient(const WireSolution& solution, std::span<const double> d_current,
                                            const WireAccuracy& accuracy) {
  check_size("d_current", d_current.size(), outputs(), "outputs");
  check_size("solution", solution.word.size(), g_.size(), "cells");
  const WireSolution adjoint = solve_rhs({.bit_volts = d_current}, accuracy);
  Gradient gradient;
  gradient.convergence = adjoint.convergence;
  gradient.g.resize(g_.size());
  for (std::size_t k = 0; k < g_.size(); ++k) {
    gradient.g[k] = -adjoint.cell_voltage(k) * solution.cell_voltage(k);
  }
  gradient.volts.resize(inputs());
  std::transform(adjoint.word_current.begin(), adjoint.word_current.end(), gradient.volts.begin(),
                 [](double current) { return -current; });
  return gradient;
}

}  // namespace mq
