/// Products from outputs to inputs, on the same cells.
#include <cmath>

#include "arrays.h"

namespace mq {
namespace {

const Exec kExec, kReference{.backend = Backend::reference};

template <class T>
std::vector<T> transposed(TileArray& array, const Exec& exec, const std::vector<T>& e, MvmPlace place = {}) {
  const std::size_t batch = e.size() / array.outputs();
  std::vector<T> d(batch * array.inputs());
  array.mvm_transposed(exec, MatrixView<const T>{e.data(), batch, array.outputs()},
                       MatrixView<T>{d.data(), batch, array.inputs()}, place);
  return d;
}

/// e W in double precision.
template <class T>
std::vector<double> exact_transposed(const std::vector<T>& e, const std::vector<double>& w,
                                     std::size_t outputs) {
  const std::size_t inputs = w.size() / outputs, batch = e.size() / outputs;
  std::vector<double> d(batch * inputs, 0.0);
  for (std::size_t row = 0; row < batch; ++row) {
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t j = 0; j < inputs; ++j)
        d[row * inputs + j] += double(e[row * outputs + o]) * w[o * inputs + j];
    }
  }
  return d;
}

template <class T>
double relative_error(const std::vector<T>& values, const std::vector<double>& exact) {
  double worst = 0.0, largest = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    worst = std::max(worst, std::abs(values[i] - exact[i]));
    largest = std::max(largest, std::abs(exact[i]));
  }
  return worst / largest;
}

struct Size {
  std::size_t outputs, inputs;
  int rows, columns;  // of a tile
};
const Size kSizes[] = {
    {128, 128, 256, 256}, {64, 96, 32, 16}, {100, 130, 33, 17}, {1, 3, 4, 4}, {17, 33, 32, 16}};

TEST(Transposed, IdealCellsMultiplyAsDoublePrecisionDoes) {
  for (const Size& s : kSizes) {
    const std::vector<float> w = uniforms(s.outputs * s.inputs, 1, 0.3f), e = uniforms(20 * s.outputs, 2);
    const std::vector<double> wide(e.begin(), e.end());
    TileArray reference(kReference, ideal_io("ideal", s.rows, s.columns), {}, s.outputs, s.inputs),
        cpu(kExec, ideal_io("ideal", s.rows, s.columns), {}, s.outputs, s.inputs);
    reference.program(kReference, matrix(w, s.outputs));
    cpu.program(kExec, matrix(w, s.outputs));
    const std::vector<double> exact = exact_transposed(wide, reference.read_weights(kReference), s.outputs);
    EXPECT_LE(relative_error(transposed(reference, kReference, wide), exact), 1e-12);
    EXPECT_LE(relative_error(transposed(cpu, kExec, e), exact), 1e-6);
  }
}

TEST(Transposed, ProductsSeeTheSameCellsAsForwardOnes) {
  // One matrix, read both ways after a day of drift: e (W x) = (e W) x to single precision.
  TileArray array(kExec, ideal_io("pcm-like", 32, 24), {.seed = 5}, 50, 70);
  array.program(kExec, matrix(uniforms(50 * 70, 1), 50));
  array.advance_to(kExec, kDay);
  array.compensate_drift(DriftCompensation::global);
  const std::vector<float> x = uniforms(70, 3), e = uniforms(50, 4);
  const std::vector<float> y = product(array, kExec, x), d = transposed(array, kExec, e);
  double forward = 0.0, back = 0.0;
  for (std::size_t o = 0; o < 50; ++o) forward += double(e[o]) * y[o];
  for (std::size_t j = 0; j < 70; ++j) back += double(x[j]) * d[j];
  EXPECT_NEAR(forward, back, 1e-4);
}

Hardware with_converters() {
  Hardware h = ideal_io("hermes-2", 32, 24);
  h.dac = {.bits = 8, .range = 1.0};
  h.adc = {.bits = 9, .range = 8.0};
  h.tile.output_noise = 0.04f;
  h.tile.read_noise = 0.02f;
  return h;
}

/// Two layers on arrays with resistive lines, with a parabola in between: L = sum of a o layer2(layer1(x)^2 /
/// 2).
double loss_of(TileArray& first, TileArray& second, const std::vector<double>& x,
               const std::vector<double>& a) {
  std::vector<double> hidden = product(first, kReference, x);
  for (double& h : hidden) h = 0.5 * h * h;
  const std::vector<double> y = product(second, kReference, hidden);
  double loss = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) loss += a[i] * y[i];
  return loss;
}

TEST(Transposed, GradientsOfLayersWithResistiveLinesAreThoseOfCentralDifferences) {
  // Backward products that left the wires out would give the gradient of another network: 10 ohm a segment
  // take a tenth of the signal. Products are linear and the loss a parabola: a central difference is exact
  // but for rounding.
  Hardware h = ideal_io("ideal", 32, 16);
  h.wires.word_line = h.wires.bit_line = 10.0;
  h.wires.driver = h.wires.sense = 50.0;
  TileArray first(kReference, h, {}, 20, 40), second(kReference, h, {}, 6, 20);
  first.program(kReference, matrix(uniforms(20 * 40, 1), 20));
  second.program(kReference, matrix(uniforms(6 * 20, 2), 6));
  const std::vector<float> inputs = uniforms(40, 3), weights = uniforms(6, 4);
  const std::vector<double> x(inputs.begin(), inputs.end()), a(weights.begin(), weights.end());

  const std::vector<double> hidden = product(first, kReference, x);
  std::vector<double> d_hidden = transposed(second, kReference, a);
  for (std::size_t i = 0; i < d_hidden.size(); ++i) d_hidden[i] *= hidden[i];
  const std::vector<double> gradient = transposed(first, kReference, d_hidden);
  double largest = 0.0;
  for (const double g : gradient) largest = std::max(largest, std::abs(g));
  for (std::size_t j = 0; j < x.size(); ++j) {
    std::vector<double> above = x, below = x;
    above[j] += 0.1, below[j] -= 0.1;
    const double difference = (loss_of(first, second, above, a) - loss_of(first, second, below, a)) / 0.2;
    EXPECT_NEAR(gradient[j], difference, 1e-5 * largest) << j;
  }

  h.wires = {};
  TileArray without(kReference, h, {}, 20, 40);
  without.program(kReference, matrix(uniforms(20 * 40, 1), 20));
  const std::vector<double> other = transposed(without, kReference, d_hidden);
  double differs = 0.0;
  for (std::size_t j = 0; j < x.size(); ++j) differs = std::max(differs, std::abs(other[j] - gradient[j]));
  EXPECT_GT(differs, 0.02 * largest) << "the wires must be seen";
}

TEST(Transposed, ConvertersHaveRangesOfTheirOwnAndCountWhatTheyDo) {
  Hardware h = with_converters();
  h.device = device_from_preset("ideal");
  h.tile.output_noise = h.tile.read_noise = 0.0f;
  TileArray array(kExec, h, {}, 50, 70);
  array.program(kExec, matrix(uniforms(50 * 70, 1), 50));
  std::vector<float> e = uniforms(4 * 50, 2);
  for (float& value : e) value *= 1e-4f;
  const std::string none = message_of([&] { transposed(array, kExec, e); });
  EXPECT_EQ(none,
            "the DAC has 8 bits but no range for transposed products; call set_transposed_ranges(), or set "
            "dac.bits = 0");
  array.set_transposed_ranges({.dac = 1e-4f, .adc = std::vector<float>(array.grid().size(), 6e-4f)});
  const Counters before = array.counters();
  const std::vector<float> d = transposed(array, kExec, e);
  // 8 and 9 bits over 3 rows of tiles: a step of the DAC is 1/127 of its range, one of the ADC 1/255.
  EXPECT_LE(relative_error(d, exact_transposed(e, array.read_weights(kExec), 50)), 0.03);
  const Counters after = array.counters();
  EXPECT_EQ(after.mvms - before.mvms, 4 * 9);
  EXPECT_EQ(after.dac_conversions - before.dac_conversions, 4 * 50 * 3);
  EXPECT_EQ(after.adc_conversions - before.adc_conversions, 4 * 70 * 3);
  EXPECT_EQ(after.dac_clips, 0);
  EXPECT_GT(after.sum_of_codes, 0);
  EXPECT_EQ(message_of([&] { array.set_transposed_ranges({.dac = 1.0f, .adc = {1.0f}}); }),
            "the layer has 9 tiles with 9 conversions in all but got 1 ADC ranges; calibrate with the same "
            "hardware");
}

TEST(Transposed, HasTheSameBitsForAnyThreadCountAndLeavesForwardProductsAlone) {
  const std::vector<float> w = uniforms(50 * 70, 1), x = uniforms(40 * 70, 2), e = uniforms(40 * 50, 3);
  std::vector<float> expected, forward;
  for (const int threads : {1, 2, 3}) {
    const Exec exec{.threads = threads};
    TileArray array(exec, with_converters(), {.seed = 5, .layer = 1, .chip = 2}, 50, 70);
    array.program(exec, matrix(w, 50));
    array.set_transposed_ranges({.dac = 1.0f, .adc = std::vector<float>(array.grid().size(), 6.0f)});
    const std::vector<float> before = product(array, exec, x, {.first_row = 100, .call = 3});
    const std::vector<float> d = transposed(array, exec, e, {.first_row = 100, .call = 3});
    if (expected.empty()) expected = d, forward = before;
    EXPECT_EQ(d, expected) << threads;
    EXPECT_EQ(before, forward);
    EXPECT_EQ(product(array, exec, x, {.first_row = 100, .call = 3}), forward);
    EXPECT_NE(transposed(array, exec, e, {.first_row = 100, .call = 4}), expected);
  }
}

TEST(Transposed, ShapesThatDoNotFitAreRefused) {
  TileArray array(kExec, ideal_io("ideal"), {}, 3, 4);
  array.program(kExec, matrix(std::vector<float>(12, 1.0f), 3));
  std::vector<float> e(8, 1.0f), d(6);
  EXPECT_EQ(message_of([&] {
              array.mvm_transposed(kExec, MatrixView<const float>{e.data(), 2, 4},
                                   MatrixView<float>{d.data(), 2, 3});
            }),
            "the array maps x[batch, 3] to y[batch, 4] when transposed but got x[2, 4] and y[2, 3]");
}

}  // namespace
}  // namespace mq
