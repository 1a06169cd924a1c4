/// The nodal equations of an array with resistive lines, assembled resistor by resistor and solved by a dense
/// LU decomposition: the oracle of the wire solvers. All resistances are above 0.
#pragma once

#include <Eigen/Dense>
#include <vector>

#include "meltquench/core/random.h"
#include "meltquench/crossbar/wires.h"

namespace mq {

struct NodalEquations {
  std::size_t outputs, inputs;
  WireParams wires;
  std::vector<double> g;  ///< [outputs, inputs]
  Eigen::MatrixXd matrix{};
  Eigen::VectorXd sources{};

  Eigen::Index word_node(std::size_t o, std::size_t i) const {
    return static_cast<Eigen::Index>(o * inputs + i);
  }
  Eigen::Index bit_node(std::size_t o, std::size_t i) const {
    return static_cast<Eigen::Index>((outputs + o) * inputs + i);
  }
  bool senses_first() const { return wires.sense_side != SenseSide::last; }
  bool senses_last() const { return wires.sense_side != SenseSide::first; }

  void add_resistor(Eigen::Index a, Eigen::Index b, double conductance) {
    matrix(a, a) += conductance;
    matrix(b, b) += conductance;
    matrix(a, b) -= conductance;
    matrix(b, a) -= conductance;
  }
  void add_terminal(Eigen::Index node, double resistance, double volts) {
    matrix(node, node) += 1.0 / resistance;
    sources(node) += volts / resistance;
  }

  /// Potentials of all nodes, word lines first, for potentials of the drivers.
  Eigen::VectorXd solve(const std::vector<double>& volts) {
    const auto nodes = static_cast<Eigen::Index>(2 * outputs * inputs);
    matrix = Eigen::MatrixXd::Zero(nodes, nodes);
    sources = Eigen::VectorXd::Zero(nodes);
    const double word_end = wires.driver + wires.word_line, bit_end = wires.sense + wires.bit_line;
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < inputs; ++i) {
        add_resistor(word_node(o, i), bit_node(o, i), g[o * inputs + i]);
        if (o + 1 < outputs) add_resistor(word_node(o, i), word_node(o + 1, i), 1.0 / wires.word_line);
        if (i + 1 < inputs) add_resistor(bit_node(o, i), bit_node(o, i + 1), 1.0 / wires.bit_line);
      }
      if (senses_first()) add_terminal(bit_node(o, 0), bit_end, 0.0);
      if (senses_last()) add_terminal(bit_node(o, inputs - 1), bit_end, 0.0);
    }
    for (std::size_t i = 0; i < inputs; ++i) {
      add_terminal(word_node(0, i), word_end, volts[i]);
      if (wires.drive == WireDrive::double_sided) add_terminal(word_node(outputs - 1, i), word_end, volts[i]);
    }
    return matrix.partialPivLu().solve(sources);
  }

  /// Currents of the outputs, [outputs], at these potentials.
  std::vector<double> output_currents(const Eigen::VectorXd& x) const {
    const double bit_end = wires.sense + wires.bit_line;
    std::vector<double> currents(outputs, 0.0);
    for (std::size_t o = 0; o < outputs; ++o) {
      if (senses_first()) currents[o] += x(bit_node(o, 0)) / bit_end;
      if (senses_last()) currents[o] += x(bit_node(o, inputs - 1)) / bit_end;
    }
    return currents;
  }
};

/// Uniform in [low, high), a function of `stream`.
inline std::vector<double> uniform_doubles(std::size_t size, double low, double high, std::uint32_t stream) {
  std::vector<double> values(size);
  for (std::size_t k = 0; k < size; ++k) {
    Rng<float> rng(RngKey(11, Purpose::sampling, stream), static_cast<std::uint32_t>(k));
    values[k] = low + (high - low) * static_cast<double>(rng.uniform());
  }
  return values;
}

/// Cells of 0.1 to 25 uS; where there are 6 or more, some are open (0 S) and some shorted (1 S).
inline std::vector<double> cells_with_faults(std::size_t size, std::uint32_t stream) {
  std::vector<double> g = uniform_doubles(size, 0.1e-6, 25e-6, stream);
  for (std::size_t k = 2; size >= 6 && k < size; k += 37) g[k] = 0.0;
  for (std::size_t k = 5; size >= 6 && k < size; k += 83) g[k] = 1.0;
  return g;
}

}  // namespace mq
