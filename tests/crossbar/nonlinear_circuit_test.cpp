#include "meltquench/crossbar/nonlinear_circuit.h"

#include "arrays.h"
#include "meltquench/crossbar/netlist.h"
#include "meltquench/crossbar/wire_circuit.h"
#include "ngspice.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 5, kInputs = 8;

/// Conductances of 20 to 200 uS, an open and a shorted cell among them.
std::vector<float> cells() {
  std::vector<float> g = uniforms(kOutputs * kInputs, 31);
  for (float& s : g) s = 1.1e-4f + 0.9e-4f * s;
  g[3] = 0.0f;
  g[11] = 1e-2f;
  return g;
}

std::vector<double> volts(double scale) {
  std::vector<double> v;
  for (const float x : uniforms(kInputs, 32)) v.push_back(scale * double(x));
  return v;
}

struct Case {
  const char* name;
  CurrentParams law;
};

std::vector<Case> cases() {
  return {{"polynomial", {.law = CurrentKind::polynomial}},
          {"sinh", {.law = CurrentKind::sinh, .sinh_voltage = 0.15}},
          {"steep sinh", {.law = CurrentKind::sinh, .sinh_voltage = 0.06}},
          {"polarity", {.law = CurrentKind::sinh, .negative_factor = 0.6}},
          {"transistor", {.law = CurrentKind::sinh, .access_resistance = 5e3}},
          {"saturation", {.access_resistance = 5e3, .access_saturation = 30e-6}}};
}

const WireParams kWires{.word_line = 3.0, .bit_line = 2.0, .driver = 50.0, .sense = 20.0};

TEST(NonlinearCircuit, SatisfiesKirchhoffAtEveryNode) {
  const std::vector<float> g = cells();
  for (const Case& c : cases()) {
    const std::vector<double> in = volts(0.4);
    const NonlinearSolution s = solve_nonlinear(kWires, c.law, matrix(g, kOutputs), in, {.tolerance = 1e-12});
    ASSERT_TRUE(s.has_converged) << c.name;
    const WireNetwork lines = network_of(kWires);
    const auto current = [&](double a, double b, double r) {
      return r == WireLine::kOpen ? 0.0 : (a - b) / r;
    };
    double largest = 0.0;
    for (const double i : s.cell_current) largest = std::max(largest, std::abs(i));
    for (std::size_t o = 0; o < kOutputs; ++o) {
      for (std::size_t i = 0; i < kInputs; ++i) {
        const std::size_t k = o * kInputs + i;
        const double cell = cell_current(c.law, double(g[k]), s.line[k] - s.bit[k]).current;
        const double from_word =
            (o == 0 ? current(in[i], s.line[k], lines.word.first)
                    : current(s.line[k - kInputs], s.line[k], lines.word.segment)) +
            (o + 1 == kOutputs ? 0.0 : current(s.line[k + kInputs], s.line[k], lines.word.segment));
        const double into_bit = (i == 0 ? 0.0 : current(s.bit[k], s.bit[k - 1], lines.bit.segment)) +
                                (i + 1 == kInputs ? current(s.bit[k], 0.0, lines.bit.last)
                                                  : current(s.bit[k], s.bit[k + 1], lines.bit.segment));
        EXPECT_NEAR(from_word, cell, 1e-9 * largest) << c.name << " " << o << " " << i;
        EXPECT_NEAR(into_bit, cell, 1e-9 * largest) << c.name << " " << o << " " << i;
      }
      EXPECT_NEAR(s.currents[o], s.bit[o * kInputs + kInputs - 1] / lines.bit.last, 1e-9 * largest);
    }
  }
}

TEST(NonlinearCircuit, ConvergesInAtMostSixSteps) {
  const std::vector<float> g = cells();
  const std::vector<std::uint8_t> gates(kInputs, 1);
  for (const Case& c : cases()) {
    const NonlinearSolution driven = solve_nonlinear(kWires, c.law, matrix(g, kOutputs), volts(0.4));
    EXPECT_LE(driven.iterations, 6) << c.name;
    EXPECT_TRUE(driven.has_converged) << c.name;
    const NonlinearSolution gated =
        solve_nonlinear(gated_network_of(kWires), c.law, matrix(g, kOutputs), 0.3, gates);
    EXPECT_LE(gated.iterations, 6) << c.name;
    EXPECT_TRUE(gated.has_converged) << c.name;
  }
}

// Transistors in saturation behind long lines: the full step of Newton overshoots, and a part of it must lead
// on.
TEST(NonlinearCircuit, ConvergesWhereTheFullStepOvershoots) {
  std::vector<float> g = cells();
  g[3] = g[11] = 1e-4f;
  const CurrentParams law{.access_resistance = 5e3, .access_saturation = 3e-6};
  const WireParams lines{.driver = 1e5};
  const NonlinearSolution s =
      solve_nonlinear(lines, law, matrix(g, kOutputs), volts(3.0), {.tolerance = 1e-9});
  EXPECT_TRUE(s.has_converged) << s.residual;
}

TEST(NonlinearCircuit, OfSmallSignalsIsTheLinearOne) {
  const std::vector<float> g = cells();
  const std::vector<double> in = volts(1e-7);
  for (Case& c : cases()) {
    c.law.negative_factor = 1.0;
    std::vector<double> linear(g.begin(), g.end());
    for (double& s : linear) s = linear_conductance(c.law, s);
    const WireSolution exact = WireCircuit(kWires, {linear.data(), kOutputs, kInputs}).solve(in);
    const NonlinearSolution s = solve_nonlinear(kWires, c.law, matrix(g, kOutputs), in);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      EXPECT_NEAR(s.currents[o], exact.bit_current[o], 1e-6 * 1e-7 * 1e-3) << c.name;
    }
  }
}

TEST(NonlinearCircuit, OfWiresWithoutResistanceIsTheSumOfTheCells) {
  const std::vector<float> g = cells();
  for (const Case& c : cases()) {
    const std::vector<double> sum = nonlinear_currents(c.law, matrix(g, kOutputs), volts(0.3));
    const NonlinearSolution s = solve_nonlinear(WireParams{}, c.law, matrix(g, kOutputs), volts(0.3));
    for (std::size_t o = 0; o < kOutputs; ++o) EXPECT_NEAR(s.currents[o], sum[o], 1e-9 * 1e-4) << c.name;
  }
}

TEST(NonlinearCircuit, EqualsNgspice) {
  const std::vector<float> g = cells();
  const std::vector<std::uint8_t> gates = {1, 1, 0, 1, 1, 1, 0, 1};
  for (const Case& c : cases()) {
    const NetlistCells array{.g = matrix(g, kOutputs), .current = c.law};
    const std::vector<double> driven =
        ngspice_currents(netlist(network_of(kWires), array, volts(0.4)), kOutputs);
    const NonlinearSolution exact = solve_nonlinear(kWires, c.law, array.g, volts(0.4));
    for (std::size_t o = 0; o < driven.size(); ++o) {
      EXPECT_NEAR(driven[o], exact.currents[o], 1e-6 * std::abs(exact.currents[o])) << c.name;
    }
    const GatedNetwork lines = gated_network_of(kWires);
    const std::vector<double> gated = ngspice_currents(netlist(lines, array, 0.3, gates), kOutputs);
    const NonlinearSolution ladder = solve_nonlinear(lines, c.law, array.g, 0.3, gates);
    for (std::size_t o = 0; o < gated.size(); ++o) {
      EXPECT_NEAR(gated[o], ladder.currents[o], 1e-6 * std::abs(ladder.currents[o])) << c.name;
    }
  }
}

TEST(NonlinearCircuit, OfALawThatFallsIsAnErrorThatSaysWhere) {
  const std::vector<float> g(4, 1e-4f);
  const CurrentParams falls{.law = CurrentKind::polynomial, .quadratic = {-1.0, 0.0, 0.0, 0.0}};
  const std::string message = message_of([&] {
    solve_nonlinear(kWires, falls, matrix(g, 2), std::vector<double>{0.1, 0.2});
  });
  EXPECT_NE(message.find("must rise over all voltages that cells see"), std::string::npos) << message;
}

}  // namespace
}  // namespace mq
