#include "meltquench/crossbar/gated_wires.h"

#include "arrays.h"
#include "nodal.h"

namespace mq {
namespace {

std::vector<std::uint8_t> gates_of(std::size_t size, std::uint32_t stream) {
  std::vector<std::uint8_t> gates(size);
  const std::vector<float> x = uniforms(size, stream);
  for (std::size_t i = 0; i < size; ++i) gates[i] = x[i] > -0.4f ? 1 : 0;
  return gates;
}

/// Voltages of a column: n nodes of the source line, then n of the bit line.
Eigen::VectorXd dense_column(const GatedNetwork& lines, double v, const float* g, const std::uint8_t* gates,
                             std::size_t n) {
  Nodal circuit(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    circuit.connect(i, n + i, gates[i] != 0 ? double(g[i]) : 0.0);
    if (i + 1 == n) break;
    circuit.connect(i, i + 1, 1.0 / lines.source.segment);
    circuit.connect(n + i, n + i + 1, 1.0 / lines.bit.segment);
  }
  circuit.tie(0, v, 1.0 / lines.source.first);
  circuit.tie(n - 1, v, 1.0 / lines.source.last);
  circuit.tie(n, 0.0, 1.0 / lines.bit.first);
  circuit.tie(2 * n - 1, 0.0, 1.0 / lines.bit.last);
  return circuit.solve();
}

TEST(GatedWires, EqualDenseLuForOpenAndShortedCellsAndAllEnds) {
  const double v = 0.3;
  for (const std::size_t n : {2, 3, 8, 17, 32}) {
    const std::vector<float> g = cells_of_all_kinds(n * n, static_cast<std::uint32_t>(n));
    const std::vector<std::uint8_t> gates = gates_of(n, static_cast<std::uint32_t>(n));
    constexpr double kOpen = WireLine::kOpen;
    for (const GatedNetwork& lines :
         {GatedNetwork{.source = {1.0, 1.0, kOpen}, .bit = {2.5, kOpen, 2.5}},
          GatedNetwork{.source = {0.02, 100.0, kOpen}, .bit = {40.0, kOpen, 43.0}},
          GatedNetwork{.source = {1.0, kOpen, 8.0}, .bit = {1.0, kOpen, 1.0}},
          GatedNetwork{.source = {5.0, 5.0, 7.0}, .bit = {1.0, 13.0, kOpen}},
          GatedNetwork{.source = {5.0, 5.0, 7.0}, .bit = {1.0, 13.0, 20.0}}}) {
      const GatedVoltages found = gated_voltages(lines, v, matrix(g, n), gates);
      for (std::size_t o = 0; o < n; ++o) {
        const Eigen::VectorXd exact = dense_column(lines, v, g.data() + o * n, gates.data(), n);
        for (std::size_t i = 0; i < n; ++i) {
          const auto row = static_cast<Eigen::Index>(i), rows = static_cast<Eigen::Index>(n);
          EXPECT_NEAR(found.source_line[o * n + i], exact(row), 1e-9 * v) << n << " " << o << " " << i;
          EXPECT_NEAR(found.bit_line[o * n + i], exact(rows + row), 1e-9 * v) << n << " " << o << " " << i;
        }
        const auto last = static_cast<Eigen::Index>(n);
        const double current = exact(last) / lines.bit.first + exact(2 * last - 1) / lines.bit.last;
        EXPECT_NEAR(found.currents[o], current, 1e-9 * current + 1e-18) << n << " " << o;
      }
    }
  }
}

TEST(GatedWires, CurrentsOfABatchAreThoseOfItsVectorsForAnyThreads) {
  const std::size_t outputs = 7, inputs = 33, batch = 5;
  const std::vector<float> g = cells_of_all_kinds(outputs * inputs, 1);
  const std::vector<std::uint8_t> gates = gates_of(batch * inputs, 2);
  for (const double first : {WireLine::kOpen, 5.0}) {
    const GatedNetwork lines{.source = {2.0, 12.0}, .bit = {3.0, first, 3.0}};
    for (const int threads : {1, 3}) {
      std::vector<double> currents(batch * outputs);
      gated_currents({.threads = threads}, lines, 0.2, matrix(g, outputs), {gates.data(), batch, inputs},
                     {currents.data(), batch, outputs});
      for (std::size_t b = 0; b < batch; ++b) {
        const auto first = gates.begin() + static_cast<std::ptrdiff_t>(b * inputs);
        const GatedVoltages one = gated_voltages(lines, 0.2, matrix(g, outputs),
                                                 {first, first + static_cast<std::ptrdiff_t>(inputs)});
        for (std::size_t o = 0; o < outputs; ++o) EXPECT_EQ(currents[b * outputs + o], one.currents[o]);
      }
    }
  }
}

TEST(GatedWires, WithoutResistanceGiveTheSumOfTheOpenCells) {
  const std::size_t n = 64;
  const std::vector<float> g = cells_of_all_kinds(n, 3);
  const std::vector<std::uint8_t> gates = gates_of(n, 4);
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += gates[i] != 0 ? 0.2 * double(g[i]) : 0.0;
  EXPECT_NEAR(gated_voltages({}, 0.2, matrix(g, 1), gates).currents[0], sum, 1e-13 * sum);
  // First order in the resistance: each cell loses what its wires take.
  const GatedNetwork little{.source = {1e-9, 1e-9}, .bit = {1e-9, WireLine::kOpen, 1e-9}};
  EXPECT_NEAR(gated_voltages(little, 0.2, matrix(g, 1), gates).currents[0], sum, 1e-5 * sum);
}

TEST(GatedWires, OfOneInputAreResistorsInSeries) {
  const std::vector<float> g = {1e-5f, 1e-4f, 1e-3f, 2e-4f, 3e-4f};
  const GatedNetwork lines{.source = {1.0, 50.0}, .bit = {1.0, WireLine::kOpen, 20.0}};
  const std::vector<std::uint8_t> gates = {1, 0};
  std::vector<double> currents(2 * g.size());
  gated_currents({}, lines, 0.2, matrix(g, g.size()), {gates.data(), 2, 1}, {currents.data(), 2, g.size()});
  for (std::size_t o = 0; o < g.size(); ++o) {
    EXPECT_NEAR(currents[o], 0.2 / (50.0 + 1.0 / double(g[o]) + 20.0), 1e-15);
    EXPECT_EQ(currents[g.size() + o], 0.0);
  }
}

TEST(GatedWires, ConserveCurrentBetweenDriverCellsAndSense) {
  const std::size_t n = 48;
  const std::vector<float> g = cells_of_all_kinds(n, 5);
  const std::vector<std::uint8_t> gates(n, 1);
  const GatedNetwork lines{.source = {0.5, 20.5}, .bit = {0.5, WireLine::kOpen, 0.5}};
  const GatedVoltages found = gated_voltages(lines, 0.2, matrix(g, 1), gates);
  const double driven = (0.2 - found.source_line[0]) / lines.source.first;
  double cells = 0.0;
  for (std::size_t i = 0; i < n; ++i) cells += double(g[i]) * (found.source_line[i] - found.bit_line[i]);
  EXPECT_NEAR(driven, found.currents[0], 1e-12 * driven);
  EXPECT_NEAR(cells, found.currents[0], 1e-12 * driven);
}

TEST(GatedWires, OfEqualCellsAreTheSameSeenFromEitherEnd) {
  // Reciprocity: driver and sense trade places, and the column is mirrored.
  const std::size_t n = 20;
  const std::vector<float> g(n, 1e-4f);
  std::vector<std::uint8_t> gates = gates_of(n, 6);
  const GatedNetwork far{.source = {2.0, 2.0}, .bit = {5.0, WireLine::kOpen, 5.0}};
  const GatedNetwork swapped{.source = {5.0, 5.0}, .bit = {2.0, WireLine::kOpen, 2.0}};
  const double current = gated_voltages(far, 0.2, matrix(g, 1), gates).currents[0];
  std::reverse(gates.begin(), gates.end());
  EXPECT_NEAR(gated_voltages(swapped, 0.2, matrix(g, 1), gates).currents[0], current, 1e-13 * current);
}

TEST(GatedWires, ThatMakeNoSenseAreErrorsThatSayWhy) {
  const std::vector<float> g(4, 1e-5f), bad = {1e-5f, -1e-5f, 0.0f, 0.0f};
  EXPECT_EQ(message_of([&] {
              gated_voltages({}, 0.2, matrix(g, 2), {1, 0, 1});
            }),
            "there are 3 gates for 2 inputs; give one gate for each column of the conductances");
  EXPECT_EQ(message_of([&] {
              gated_voltages({}, 0.2, matrix(g, 2), {1, 2});
            }),
            "a gate is neither 0 nor 1; cut inputs of more bits into phases");
  EXPECT_EQ(message_of([&] {
              gated_voltages({}, 0.2, matrix(bad, 2), {1, 1});
            }),
            "a conductance is negative or no finite number; cells are passive");
  EXPECT_EQ(message_of([&] {
              gated_voltages({.source = {.segment = -1.0}}, 0.2, matrix(g, 2), {1, 1});
            }),
            "a resistance of the source line is negative or no number");
  EXPECT_EQ(message_of([&] {
              gated_voltages({.source = {}, .bit = {.first = WireLine::kOpen, .last = WireLine::kOpen}}, 0.2,
                             matrix(g, 2), {1, 1});
            }),
            "both ends of the bit line are open; give one of them a terminal");
}

}  // namespace
}  // namespace mq
