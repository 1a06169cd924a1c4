#include "meltquench/crossbar/wire_circuit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>

#include "meltquench/core/error.h"
#include "nodal_equations.h"

namespace mq {
namespace {

MatrixView<const double> view(const std::vector<double>& g, std::size_t outputs, std::size_t inputs) {
  return {g.data(), outputs, inputs};
}

double largest(const std::vector<double>& values) {
  double result = 0.0;
  for (const double x : values) result = std::max(result, std::abs(x));
  return result;
}

struct Case {
  std::size_t outputs, inputs;
  WireParams wires;
};

// A dense decomposition of 2048 unknowns takes half a minute where nothing is optimised.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kLargestSquare = 24;
#else
constexpr std::size_t kLargestSquare = 32;
#endif

/// Sizes 2 to 32, lines of different resistance, terminals, and all kinds of drive and sense.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [outputs, inputs] : {std::pair<std::size_t, std::size_t>{2, 2},
                                        {1, 5},
                                        {7, 1},
                                        {3, 8},
                                        {17, 9},
                                        {32, 7},
                                        {7, 32},
                                        {kLargestSquare, kLargestSquare}}) {
    for (const WireDrive drive : {WireDrive::single_sided, WireDrive::double_sided}) {
      for (const SenseSide side : {SenseSide::last, SenseSide::first, SenseSide::both}) {
        if (outputs == kLargestSquare && inputs == outputs &&
            (drive == WireDrive::single_sided || side != SenseSide::both)) {
          continue;
        }
        const bool has_terminals = side != SenseSide::first;
        all.push_back({outputs,
                       inputs,
                       {.word_line = 3.0,
                        .bit_line = 0.7,
                        .driver = has_terminals ? 150.0 : 0.0,
                        .sense = has_terminals ? 40.0 : 0.0,
                        .drive = drive,
                        .sense_side = side}});
      }
    }
  }
  return all;
}

TEST(WireCircuit, AgreesWithADenseDecompositionOfTheNodalEquations) {
  for (const Case& c : cases()) {
    const std::size_t cells = c.outputs * c.inputs;
    NodalEquations oracle{c.outputs, c.inputs, c.wires, cells_with_faults(cells, 1)};
    const std::vector<double> volts = uniform_doubles(c.inputs, -0.2, 0.2, 2);
    const Eigen::VectorXd x = oracle.solve(volts);
    const std::vector<double> currents = oracle.output_currents(x);
    WireCircuit circuit(c.wires, view(oracle.g, c.outputs, c.inputs));
    const WireSolution solution = circuit.solve(volts, {.tolerance = 1e-12});

    const std::string what = std::to_string(c.outputs) + " x " + std::to_string(c.inputs) + ", sense side " +
                             std::to_string(int(c.wires.sense_side));
    EXPECT_TRUE(solution.convergence.has_converged) << what << solution.convergence.residual;
    for (std::size_t o = 0; o < c.outputs; ++o) {
      EXPECT_NEAR(solution.bit_current[o], currents[o], 1e-9 * largest(currents)) << what << ", output " << o;
      for (std::size_t i = 0; i < c.inputs; ++i) {
        const std::size_t k = o * c.inputs + i;
        EXPECT_NEAR(solution.word[k], x(oracle.word_node(o, i)), 1e-9 * 0.2) << what << ", cell " << k;
        EXPECT_NEAR(solution.bit[k], x(oracle.bit_node(o, i)), 1e-9 * 0.2) << what << ", cell " << k;
      }
    }
  }
}

TEST(WireCircuit, LosesNoCurrentOnTheWay) {
  for (const Case& c : cases()) {
    const std::vector<double> g = cells_with_faults(c.outputs * c.inputs, 3),
                              volts = uniform_doubles(c.inputs, 0.0, 0.2, 4);
    WireCircuit circuit(c.wires, view(g, c.outputs, c.inputs));
    const WireSolution solution = circuit.solve(volts, {.tolerance = 1e-13});
    const auto sum = [](const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0); };
    EXPECT_NEAR(sum(solution.word_current) / sum(solution.bit_current), 1.0, 1e-11);
    for (std::size_t o = 0; o < c.outputs; ++o) {  // a bit line delivers what its cells bring
      double cells = 0.0;
      for (std::size_t i = 0; i < c.inputs; ++i) {
        const std::size_t k = o * c.inputs + i;
        cells += g[k] * solution.cell_voltage(k);
      }
      EXPECT_NEAR(solution.bit_current[o], cells, 1e-9 * largest(solution.bit_current));
    }
  }
}

TEST(WireCircuit, IsReciprocal) {
  // What a volt at driver i brings to output o is what a volt at output o brings to driver i.
  const std::size_t outputs = 6, inputs = 9;
  const std::vector<double> g = cells_with_faults(outputs * inputs, 5);
  const WireParams wires{.word_line = 8.0, .bit_line = 3.0, .driver = 100.0, .sense = 10.0};
  WireCircuit circuit(wires, view(g, outputs, inputs));
  for (std::size_t i = 0; i < inputs; i += 4) {
    std::vector<double> at_driver(inputs, 0.0);
    at_driver[i] = 1.0;
    const WireSolution forward = circuit.solve(at_driver, {.tolerance = 1e-13});
    for (std::size_t o = 0; o < outputs; ++o) {
      std::vector<double> at_output(outputs, 0.0);
      at_output[o] = 1.0;
      const WireSolution back = circuit.solve_rhs({.bit_volts = at_output}, {.tolerance = 1e-13});
      EXPECT_NEAR(forward.bit_current[o], -back.word_current[i], 1e-12 * largest(forward.bit_current));
    }
  }
}

TEST(WireCircuit, WithoutResistanceIsTheProduct) {
  const std::size_t outputs = 5, inputs = 7;
  const std::vector<double> g = cells_with_faults(outputs * inputs, 6),
                            volts = uniform_doubles(inputs, -0.2, 0.2, 7);
  for (const WireDrive drive : {WireDrive::single_sided, WireDrive::double_sided}) {
    WireCircuit circuit({.drive = drive, .sense_side = SenseSide::both}, view(g, outputs, inputs));
    const WireSolution solution = circuit.solve(volts);
    for (std::size_t o = 0; o < outputs; ++o) {
      double product = 0.0;
      for (std::size_t i = 0; i < inputs; ++i) product += g[o * inputs + i] * volts[i];
      EXPECT_NEAR(solution.bit_current[o], product, 1e-14 * largest(solution.bit_current));
    }
    EXPECT_EQ(solution.convergence.iterations, 0);
  }
}

TEST(WireCircuit, ApproachesIdealLinesAsTheirResistanceGoesToZero) {
  const std::size_t outputs = 6, inputs = 6;
  const std::vector<double> g = uniform_doubles(outputs * inputs, 0.1e-6, 25e-6, 8),
                            volts = uniform_doubles(inputs, 0.1, 0.2, 9);
  for (const bool is_word : {true, false}) {
    const auto current_at = [&](double r) {
      const WireParams wires{.word_line = is_word ? r : 5.0, .bit_line = is_word ? 5.0 : r, .driver = 20.0};
      WireCircuit circuit(wires, view(g, outputs, inputs));
      return circuit.solve(volts, {.tolerance = 1e-14}).bit_current[outputs - 1];
    };
    const double ideal = current_at(0.0);
    const double slope = (ideal - current_at(1e-2)) / 1e-2;
    EXPECT_GT(slope, 0.0);
    EXPECT_NEAR((ideal - current_at(1e-4)) / 1e-4, slope, 1e-3 * slope);
    EXPECT_NEAR(current_at(1e-9), ideal, 1e-12 * ideal);
  }
}

TEST(WireCircuit, DividesTheVoltageBetweenDriverAndCells) {
  // Lines without resistance, drivers of 1 kOhm: one divider per word line.
  const std::size_t outputs = 4, inputs = 3;
  const std::vector<double> g = uniform_doubles(outputs * inputs, 1e-6, 1e-3, 10), volts{0.1, -0.2, 0.3};
  for (const WireDrive drive : {WireDrive::single_sided, WireDrive::double_sided}) {
    WireCircuit circuit({.driver = 1e3, .drive = drive}, view(g, outputs, inputs));
    const WireSolution solution = circuit.solve(volts);
    for (std::size_t i = 0; i < inputs; ++i) {
      double cells = 0.0;
      for (std::size_t o = 0; o < outputs; ++o) cells += g[o * inputs + i];
      const double driver = drive == WireDrive::single_sided ? 1e3 : 500.0;
      EXPECT_NEAR(solution.word[i], volts[i] / (1.0 + driver * cells), 1e-14);
      EXPECT_NEAR(solution.word_current[i], volts[i] * cells / (1.0 + driver * cells), 1e-16);
    }
  }
}

TEST(WireCircuit, TakesInjectedCurrentsAsNewtonsMethodNeedsThem) {
  // A cell that conducts g V + 1 mS/V^2 V^3: linearised, it is a slope and a current.
  const std::size_t outputs = 4, inputs = 5, cells = outputs * inputs;
  const std::vector<double> g = uniform_doubles(cells, 1e-6, 50e-6, 11),
                            volts = uniform_doubles(inputs, 0.3, 0.5, 12);
  const double cubic = 1e-3;
  WireCircuit circuit({.word_line = 200.0, .bit_line = 100.0}, view(g, outputs, inputs));
  WireSolution solution = circuit.solve(volts);
  const double linear = solution.bit_current[0];
  std::vector<double> slope(cells), into_word(cells), into_bit(cells);
  for (int step = 0; step < 8; ++step) {
    for (std::size_t k = 0; k < cells; ++k) {
      const double v = solution.cell_voltage(k);
      slope[k] = g[k] + 3 * cubic * v * v;
      into_bit[k] = g[k] * v + cubic * v * v * v - slope[k] * v;
      into_word[k] = -into_bit[k];
    }
    circuit.set_conductances(view(slope, outputs, inputs));
    solution = circuit.solve_rhs({.word_volts = volts, .word_amps = into_word, .bit_amps = into_bit},
                                 {.tolerance = 1e-13}, &solution);
    EXPECT_TRUE(solution.convergence.has_converged);
  }
  double all = 0.0;
  for (std::size_t k = 0; k < inputs; ++k) {
    const double v = solution.cell_voltage(k);
    all += g[k] * v + cubic * v * v * v;
  }
  EXPECT_NEAR(solution.bit_current[0] / all, 1.0, 1e-12);
  EXPECT_GT(solution.bit_current[0], 1.5 * linear);
}

TEST(WireCircuit, StartsFromAGuess) {
  const std::size_t n = 24;
  std::vector<double> g = uniform_doubles(n * n, 0.1e-6, 25e-6, 13);
  const std::vector<double> volts = uniform_doubles(n, 0.0, 0.2, 14);
  WireCircuit circuit({.word_line = 50.0, .bit_line = 50.0}, view(g, n, n));
  const WireSolution before = circuit.solve(volts);
  for (double& x : g) x *= 0.9999;
  circuit.set_conductances(view(g, n, n));
  const WireSolution cold = circuit.solve(volts),
                     warm = circuit.solve_rhs({.word_volts = volts}, {}, &before);
  EXPECT_LT(warm.convergence.iterations, cold.convergence.iterations);
  for (std::size_t o = 0; o < n; ++o) EXPECT_NEAR(warm.bit_current[o] / cold.bit_current[o], 1.0, 1e-9);
}

TEST(WireCircuit, HasTheGradientOfFiniteDifferences) {
  const std::size_t outputs = 4, inputs = 3;
  std::vector<double> g = uniform_doubles(outputs * inputs, 1e-6, 25e-6, 15), volts{0.2, 0.1, -0.15};
  const std::vector<double> weights = uniform_doubles(outputs, -1.0, 1.0, 16);
  const WireParams wires{
      .word_line = 900.0, .bit_line = 400.0, .driver = 300.0, .drive = WireDrive::double_sided};
  const auto loss = [&](WireCircuit& circuit) {
    const WireSolution solution = circuit.solve(volts, {.tolerance = 1e-15});
    return std::inner_product(weights.begin(), weights.end(), solution.bit_current.begin(), 0.0);
  };
  WireCircuit circuit(wires, view(g, outputs, inputs));
  const WireCircuit::Gradient gradient =
      circuit.gradient(circuit.solve(volts, {.tolerance = 1e-14}), weights);
  EXPECT_TRUE(gradient.convergence.has_converged);
  const auto slope = [&](double& x, double step) {
    const double middle = x;
    double sides[2];
    for (const int side : {0, 1}) {
      x = middle + (side == 0 ? -step : step);
      circuit.set_conductances(view(g, outputs, inputs));
      sides[side] = loss(circuit);
    }
    x = middle;
    circuit.set_conductances(view(g, outputs, inputs));
    return (sides[1] - sides[0]) / (2 * step);
  };
  for (std::size_t k = 0; k < g.size(); ++k) {
    EXPECT_NEAR(gradient.g[k], slope(g[k], 1e-9), 1e-6 * largest(gradient.g)) << "cell " << k;
  }
  for (std::size_t i = 0; i < inputs; ++i) {
    EXPECT_NEAR(gradient.volts[i], slope(volts[i], 1e-3), 1e-9 * largest(gradient.volts)) << "input " << i;
  }
}

TEST(WireCircuit, SaysThatItDidNotConverge) {
  const std::size_t n = 16;
  const std::vector<double> g(n * n, 1e-3), volts(n, 0.2);
  WireCircuit circuit({.word_line = 1e3, .bit_line = 1e3}, view(g, n, n));
  const WireSolution solution = circuit.solve(volts, {.tolerance = 1e-12, .most_iterations = 2});
  EXPECT_FALSE(solution.convergence.has_converged);
  EXPECT_EQ(solution.convergence.iterations, 2);
  EXPECT_GT(solution.convergence.residual, 1e-12);
}

TEST(WireCircuit, NamesTheCellThatCannotBe) {
  const std::vector<double> g{1e-6, 2e-6, -1e-6, 1e-6};
  try {
    WireCircuit circuit({}, view(g, 2, 2));
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(),
                 "the conductance of the cell at output 1, input 0 is -1e-06 S; it must be a number in [0 S, "
                 "1e9 S]");
  }
  const std::vector<double> good(4, 1e-6), volts(3, 0.1);
  WireCircuit circuit({}, view(good, 2, 2));
  EXPECT_THROW(circuit.solve(volts), ShapeError);
  EXPECT_THROW(WireCircuit({}, view(good, 0, 2)), ShapeError);
}

}  // namespace
}  // namespace mq
