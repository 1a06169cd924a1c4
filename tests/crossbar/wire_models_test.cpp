#include "meltquench/crossbar/wire_models.h"

#include "arrays.h"
#include "meltquench/crossbar/wire_circuit.h"
#include "nodal.h"

namespace mq {
namespace {

TEST(WireModels, HaveTheErrorsOfAnIndependentComputation) {
  // Root mean square errors of one pass of a fixed point and of no correction, measured with other code on
  // other draws; 5 % of scatter between draws at these sizes.
  const double ideal[] = {0.037, 0.143, 0.541, 0.179, 2.37, 0.83};
  const double sweep[] = {0.0015, 0.0225, 0.333, 0.0357, 7.1, 0.80};
  std::size_t place = 0;
  for (const WireModelCase& of : wire_model_cases()) {
    const std::vector<double> rms = wire_model_errors(of).rms;
    EXPECT_NEAR(rms[0], ideal[place], 0.06 * ideal[place]) << of.size;
    EXPECT_NEAR(rms[1], sweep[place], 0.08 * sweep[place]) << of.size;
    EXPECT_LT(rms[2], 0.15 * rms[0]) << of.size;
    EXPECT_LT(rms[3], 0.5 * rms[2]) << of.size;
    ++place;
  }
}

TEST(WireModels, OfExactLinesAreFirstOrderInTheirResistanceAndBetter) {
  const std::size_t n = 16;
  const std::vector<float> cells = cells_of_all_kinds(n * n, 41);
  std::vector<double> g(cells.begin(), cells.end()), volts(n, 0.2);
  for (double& s : g) s = std::min(s, 1e-4);
  const auto errors = [&](double r) {
    const WireParams wires{.word_line = r, .bit_line = 2 * r, .driver = r};
    const WireSolution exact = WireCircuit(wires, {g.data(), n, n}).solve(volts, {.tolerance = 1e-14});
    std::vector<double> largest;
    for (const WireModel model : {WireModel::ideal, WireModel::sweep, WireModel::lines}) {
      const std::vector<double> found = model_currents(model, network_of(wires), {g.data(), n, n}, volts);
      double error = 0.0;
      for (std::size_t o = 0; o < n; ++o) {
        error = std::max(error, std::abs(found[o] / exact.bit_current[o] - 1.0));
      }
      largest.push_back(error);
    }
    return largest;
  };
  const std::vector<double> at_r = errors(0.2), at_half = errors(0.1);
  EXPECT_NEAR(at_r[0] / at_half[0], 2.0, 0.1);  // no correction: the error is of first order
  EXPECT_NEAR(at_r[1] / at_half[1], 4.0, 0.2);  // one pass: of second order
  EXPECT_NEAR(at_r[2] / at_half[2], 4.0, 0.2);
}

TEST(WireModels, OfLinesIsItsEffectiveMatrix) {
  const std::size_t outputs = 7, inputs = 11;
  const std::vector<float> cells = cells_of_all_kinds(outputs * inputs, 42);
  const std::vector<double> g(cells.begin(), cells.end());
  const std::vector<double> volts = {0.1, -0.2, 0.3, 0.0, 0.2, 0.2, -0.1, 0.1, 0.1, 0.3, -0.3};
  for (const WireParams& wires :
       {WireParams{.word_line = 2.0, .bit_line = 0.5, .driver = 30.0, .sense = 10.0},
        WireParams{.word_line = 2.0,
        .bit_line = 3.0,
        .drive = WireDrive::double_sided,
        .sense_side = SenseSide::both}}) {
    const MatrixView<const double> view{g.data(), outputs, inputs};
    const std::vector<double> w = lines_matrix(network_of(wires), view);
    const std::vector<double> currents = model_currents(WireModel::lines, network_of(wires), view, volts);
    for (std::size_t o = 0; o < outputs; ++o) {
      double sum = 0.0, size = 0.0;
      for (std::size_t i = 0; i < inputs; ++i) {
        sum += w[o * inputs + i] * volts[i];
        size += std::abs(w[o * inputs + i] * volts[i]);
      }
      EXPECT_NEAR(sum, currents[o], 1e-12 * size) << o;
    }
  }
}

TEST(WireModels, WithoutResistanceAreIdeal) {
  const std::vector<double> g = {1e-5, 2e-5, 0.0, 4e-5}, volts = {0.1, 0.2};
  for (const WireModel model : {WireModel::ideal, WireModel::sweep, WireModel::lines, WireModel::two_lines}) {
    const std::vector<double> currents = model_currents(model, WireNetwork{}, {g.data(), 2, 2}, volts);
    EXPECT_NEAR(currents[0], 5e-6, 1e-18);
    EXPECT_NEAR(currents[1], 8e-6, 1e-18);
  }
}

TEST(WireModels, PolynomialDropLosesWhatAihwkitLoses) {
  const std::vector<double> ones(512, 1.0);
  EXPECT_NEAR(1.0 - polynomial_output({}, ones, ones) / 512.0, 0.1279, 5e-5);
  EXPECT_EQ(polynomial_output({.strength = 0.0}, ones, ones), 512.0);
}

}  // namespace
}  // namespace mq
