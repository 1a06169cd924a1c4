/// Resistive lines in products: as the exact circuit of each array says.
#include "arrays.h"
#include "meltquench/crossbar/wire_circuit.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 24, kInputs = 30;

Hardware with_wires(double ohm) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.wires.word_line = h.wires.bit_line = ohm;
  h.wires.driver = h.wires.sense = 2.0 * ohm;
  return h;
}

/// Output currents of one side of the pairs for inputs in volt, by the double-precision solver.
std::vector<double> currents(TileArray& array, Polarity side, const std::vector<float>& x, int slice = 0) {
  const std::vector<float> cells = array.tiles()[0].conductances({}, side, array.now(), slice);
  const std::vector<double> g(cells.begin(), cells.end()), volts(x.begin(), x.end());
  WireCircuit circuit(array.hardware().wires, {g.data(), g.size() / array.inputs(), array.inputs()});
  return circuit.solve(volts).bit_current;
}

TEST(WiresInProducts, AreThoseOfTheExactCircuitOfEachSide) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kInputs, 2);
  TileArray array({}, with_wires(20.0), {}, kOutputs, kInputs),
      ideal({}, with_wires(0.0), {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  ideal.program({}, matrix(w, kOutputs));
  const std::vector<float> y = product(array, {}, x), without = product(ideal, {}, x);
  const std::vector<double> plus = currents(array, Polarity::plus, x),
                            minus = currents(array, Polarity::minus, x);
  double lost = 0.0;
  for (std::size_t o = 0; o < kOutputs; ++o) {
    const double exact = (plus[o] - minus[o]) * array.mapping().weight_per_siemens();
    EXPECT_NEAR(y[o], exact, 2e-5);
    lost = std::max(lost, std::abs(double(y[o]) - without[o]));
  }
  EXPECT_GT(lost, 0.01) << "wires of 20 ohm must be seen";
}

TEST(WiresInProducts, OfSlicesAreSolvedForEveryArray) {
  Hardware h = with_wires(20.0);
  h.mapping = {.slices = 2, .slice_bits = 3};
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kInputs, 2);
  TileArray array({}, h, {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  const std::vector<float> y = product(array, {}, x);
  std::vector<double> exact(kOutputs);
  for (int slice = 0; slice < 2; ++slice) {
    const std::vector<double> plus = currents(array, Polarity::plus, x, slice),
                              minus = currents(array, Polarity::minus, x, slice);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      exact[o] += (plus[o] - minus[o]) * array.mapping().weight_per_siemens(slice);
    }
  }
  for (std::size_t o = 0; o < kOutputs; ++o) EXPECT_NEAR(y[o], exact[o], 2e-5);
}

TEST(WiresInProducts, WeightsReadBackAreThoseOfTheEffectiveMatrix) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(5 * kInputs, 2);
  TileArray array({}, with_wires(20.0), {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  const DoubleMatrix exact = exact_product(x, array.read_weights({}), kInputs);
  const std::vector<float> y = product(array, {}, x);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], exact.data()[i], 1e-5);
}

/// Linear response: a change of one cell changes an output by the voltage over the cell times that in the
/// adjoint circuit, 1 V where the output is sensed.
double exact_variance(TileArray& array, Polarity side, const std::vector<float>& x, std::size_t output,
                      double share) {
  const std::vector<float> cells = array.tiles()[0].conductances({}, side, array.now());
  const std::vector<double> g(cells.begin(), cells.end()), volts(x.begin(), x.end());
  WireCircuit circuit(array.hardware().wires, {g.data(), kOutputs, kInputs});
  const WireSolution primal = circuit.solve(volts);
  std::vector<double> weight(kOutputs);
  weight[output] = 1.0;
  const WireCircuit::Gradient gradient = circuit.gradient(primal, weight);
  double variance = 0.0;
  for (std::size_t i = 0; i < g.size(); ++i) variance += std::pow(share * g[i] * gradient.g[i], 2);
  return variance;
}

TEST(WiresInProducts, ReadNoiseIsThatOfTheLinearResponseWithinAFewPercent) {
  Hardware h = with_wires(20.0);
  h.dac.bits = 8;
  h.dac.range = 1.0;
  h.tile.read_noise = 0.1f;
  h.tile.read_noise_law = ReadNoiseLaw::proportional;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray array({}, h, {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  constexpr std::size_t kSamples = 4000;
  const std::vector<float> x(kSamples * kInputs, 1.0f), one(kInputs, 1.0f);
  const std::vector<float> y = product(array, {}, x);
  for (const std::size_t output : {std::size_t(0), kOutputs / 2, kOutputs - 1}) {
    double sum = 0.0, squares = 0.0;
    for (std::size_t b = 0; b < kSamples; ++b) {
      sum += y[b * kOutputs + output], squares += std::pow(double(y[b * kOutputs + output]), 2);
    }
    const double n = kSamples, variance = squares / n - std::pow(sum / n, 2);
    const double exact = (exact_variance(array, Polarity::plus, one, output, 0.1) +
                          exact_variance(array, Polarity::minus, one, output, 0.1)) *
                         std::pow(array.mapping().weight_per_siemens(), 2);
    EXPECT_NEAR(variance / exact, 1.0, 0.05 + 5.0 * std::sqrt(2.0 / n)) << output;
  }
}

}  // namespace
}  // namespace mq
