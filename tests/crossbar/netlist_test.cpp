#include "meltquench/crossbar/netlist.h"

#include "arrays.h"
#include "meltquench/crossbar/wire_circuit.h"
#include "ngspice.h"
#include "nodal.h"

namespace mq {
namespace {

constexpr double kOpen = WireLine::kOpen;

void expect_equal(const std::vector<double>& found, const std::vector<double>& exact) {
  for (std::size_t o = 0; o < found.size(); ++o) {
    EXPECT_NEAR(found[o], exact[o], 1e-6 * std::abs(exact[o]) + 1e-15) << o;
  }
}

std::vector<double> volts_of(std::size_t inputs, std::uint32_t stream) {
  std::vector<double> volts;
  for (const float x : uniforms(inputs, stream)) volts.push_back(0.2 * double(x));
  return volts;
}

TEST(Netlist, OfDrivenWordLinesGivesTheCurrentsOfTheSolver) {
  const std::size_t outputs = 6, inputs = 9;
  const std::vector<float> g = cells_of_all_kinds(outputs * inputs, 11);
  const std::vector<double> exact_g(g.begin(), g.end()), volts = volts_of(inputs, 12);
  for (const WireParams& wires :
       {WireParams{.word_line = 1.0, .bit_line = 2.5},
        WireParams{.word_line = 0.3, .bit_line = 7.0, .driver = 100.0, .sense = 50.0},
        WireParams{.word_line = 3.0, .bit_line = 1.0, .sense = 5.0, .drive = WireDrive::double_sided},
        WireParams{.word_line = 3.0, .bit_line = 1.0, .sense_side = SenseSide::first},
        WireParams{.bit_line = 1.0, .driver = 20.0, .sense_side = SenseSide::both}}) {
    const std::vector<double> currents =
        ngspice_currents(netlist(network_of(wires), {.g = matrix(g, outputs)}, volts), outputs);
    WireCircuit circuit(wires, {exact_g.data(), outputs, inputs});
    const WireSolution exact = circuit.solve(volts, {.tolerance = 1e-13});
    EXPECT_TRUE(exact.convergence.has_converged);
    expect_equal(currents, exact.bit_current);
  }
}

TEST(Netlist, OfGatedCellsGivesTheCurrentsOfTheSolver) {
  const std::size_t outputs = 5, inputs = 12;
  const std::vector<float> g = cells_of_all_kinds(outputs * inputs, 13);
  const std::vector<std::uint8_t> gates = {1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1};
  for (const GatedNetwork& lines : {GatedNetwork{.source = {1.0, 11.0}, .bit = {2.5, kOpen, 4.0}},
                                    GatedNetwork{.source = {1.0, kOpen, 1.0}, .bit = {2.5, 1.0, 4.0}},
                                    GatedNetwork{.source = {0.0, 3.0, 4.0}, .bit = {1.0, kOpen, 0.0}}}) {
    const std::vector<double> currents =
        ngspice_currents(netlist(lines, {.g = matrix(g, outputs)}, 0.2, gates), outputs);
    expect_equal(currents, gated_voltages(lines, 0.2, matrix(g, outputs), gates).currents);
  }
}

TEST(Netlist, WithoutResistanceIsOneNodePerLineAndTheIdealProduct) {
  const std::vector<float> g = {1e-5f, 2e-5f, 0.0f, 4e-5f};
  const std::string text = netlist(WireNetwork{}, {.g = matrix(g, 2)}, std::vector<double>{0.1, 0.2});
  EXPECT_NE(text.find("Rc0_1 in1 out0 "), std::string::npos) << text;
  EXPECT_EQ(text.find("Rc1_0"), std::string::npos) << "0 S is no element: " << text;
  expect_equal(ngspice_currents(text, 2), {0.1 * 1e-5 + 0.2 * 2e-5, 0.2 * 4e-5});
}

TEST(Netlist, NamesNodesByLineAndPosition) {
  const std::vector<float> g(6, 1e-5f);
  const std::string text =
      netlist(network_of({.word_line = 1.0, .bit_line = 2.0, .driver = 5.0}),
              {.g = matrix(g, 2), .description = "tile 3 of layer fc1"}, std::vector<double>{0.1, 0.2, 0.3});
  for (const char* line : {"* tile 3 of layer fc1\n", "Vin2 in2 0 0.3\n", "Rw2_first in2 w2_0 6\n",
                           "Rw2_0 w2_0 w2_1 1\n", "Rb1_1 b1_1 b1_2 2\n", "Rb1_last b1_2 out1 2\n",
                           "Rc1_2 w2_1 b1_2 ", "Vout1 out1 0 0\n", "gmin=1e-15", "print i(vout1)\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

TEST(Netlist, OfWhatIsNoArrayIsAnErrorThatSaysWhy) {
  const std::vector<float> g(4, 1e-5f);
  EXPECT_EQ(message_of([&] { netlist(WireNetwork{}, {.g = matrix(g, 2)}, std::vector<double>{0.1}); }),
            "there are 1 voltages for 2 inputs; give one for each");
  EXPECT_EQ(message_of([&] { netlist(WireNetwork{}, {}, std::vector<double>{}); }),
            "an array without cells has no netlist");
  EXPECT_EQ(message_of([&] {
              netlist(WireNetwork{}, {.g = matrix(g, 2), .current = {.sinh_voltage = -1.0}},
                      std::vector<double>{0.1, 0.2});
            }),
            "current.sinh_voltage = -1 V is out of range (must be in [10 mV, 1000 V])");
}

}  // namespace
}  // namespace mq
