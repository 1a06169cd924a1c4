#include "meltquench/experiment/accuracy.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "meltquench/crossbar/tile_array.h"
#include "meltquench/crossbar/wire_circuit.h"
#include "meltquench/crossbar/wire_models.h"
#include "meltquench/devices/correlated_noise.h"
#include "meltquench/devices/device.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

const Exec kExec{.backend = Backend::cpu, .threads = 1};

float uniform(std::uint32_t stream, std::size_t index) {
  return Rng<float>(RngKey(2024, Purpose::sampling, stream), static_cast<std::uint32_t>(index)).uniform();
}

/// In (low, high).
std::vector<float> uniforms(std::size_t size, std::uint32_t stream, float low, float high) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = low + (high - low) * uniform(stream, i);
  return values;
}

/// Inputs that a DAC of 8 bits and range 1 reproduces, so that only what is looked at errs.
std::vector<float> inputs_on_codes(std::size_t size, std::uint32_t stream) {
  std::vector<float> x = uniforms(size, stream, -127.0f, 127.0f);
  for (float& value : x) value = std::nearbyint(value) / 127.0f;
  return x;
}

Hardware ideal_cells(int dac_bits) {
  Hardware h;
  h.device = device_from_preset("ideal");
  h.tile.rows = h.tile.columns = 256;
  h.tile.read_noise = h.tile.output_noise = 0.0f;
  h.dac.bits = dac_bits;
  h.dac.range = 1.0;
  h.adc.bits = 0;
  return h;
}

double square(double a) { return a * a; }

/// Root mean square of y - x W^T over that of x W^T, on 256 x 256 weights and 64 inputs.
double product_error(int dac_bits) {
  constexpr std::size_t kSize = 256, kBatch = 64;
  const std::vector<float> w = uniforms(kSize * kSize, 1, -1.0f, 1.0f),
                           x = inputs_on_codes(kBatch * kSize, 2);
  TileArray array(kExec, ideal_cells(dac_bits), {.seed = 1}, kSize, kSize);
  array.program(kExec, {w.data(), kSize, kSize});
  std::vector<float> y(kBatch * kSize);
  array.mvm(kExec, MatrixView<const float>{x.data(), kBatch, kSize},
            MatrixView<float>{y.data(), kBatch, kSize});
  double error = 0.0, size = 0.0;
  for (std::size_t b = 0; b < kBatch; ++b) {
    for (std::size_t o = 0; o < kSize; ++o) {
      double exact = 0.0;
      for (std::size_t j = 0; j < kSize; ++j) exact += double(w[o * kSize + j]) * double(x[b * kSize + j]);
      error += square(y[b * kSize + o] - exact);
      size += square(exact);
    }
  }
  return std::sqrt(error / size);
}

/// Largest relative error of the standard deviation of read noise, with |w| rounded to 7 bits.
double magnitude_error() {
  constexpr std::size_t kSize = 256;
  const std::vector<float> w = uniforms(kSize * kSize, 3, -1.0f, 1.0f), x = inputs_on_codes(kSize, 4);
  std::vector<std::int16_t> magnitudes(panel_size(kSize, kSize));
  kernels(Backend::cpu)
      .pack_plane(kExec, {.plane = w.data(),
                          .outputs = kSize,
                          .inputs = kSize,
                          .codes_per_siemens = kWeightLimit,
                          .magnitudes_per_siemens = kMagnitudeLimit,
                          .magnitudes = magnitudes.data()});
  double largest = 0.0;
  for (std::size_t o = 0; o < kSize; ++o) {
    double exact = 0.0, found = 0.0;
    for (std::size_t j = 0; j < kSize; ++j) {
      exact += std::abs(double(w[o * kSize + j])) * square(x[j]);
      found += magnitudes[integer_panel_index(o, j, kSize)] / double(kMagnitudeLimit) * square(x[j]);
    }
    largest = std::max(largest, std::abs(std::sqrt(found / exact) - 1.0));
  }
  return largest;
}

constexpr std::size_t kNoiseSize = 64, kNoiseRows = 1000;

/// Spread of the noise of products, drawn once per output, over that of noise drawn for every cell; minus 1.
double output_noise_error() {
  constexpr float kNoise = 0.0175f;
  const std::vector<float> w = uniforms(kNoiseSize * kNoiseSize, 5, -1.0f, 1.0f),
                           row = inputs_on_codes(kNoiseSize, 6);
  std::vector<float> x;
  for (std::size_t b = 0; b < kNoiseRows; ++b) x.insert(x.end(), row.begin(), row.end());
  Hardware hardware = ideal_cells(8);
  const auto product = [&](float noise) {
    hardware.tile.read_noise = noise;
    TileArray array(kExec, hardware, {.seed = 1}, kNoiseSize, kNoiseSize);
    array.program(kExec, {w.data(), kNoiseSize, kNoiseSize}, 1.0f);
    std::vector<float> y(kNoiseRows * kNoiseSize);
    array.mvm(kExec, MatrixView<const float>{x.data(), kNoiseRows, kNoiseSize},
              MatrixView<float>{y.data(), kNoiseRows, kNoiseSize});
    return y;
  };
  const std::vector<float> noisy = product(kNoise), clean = product(0.0f);
  double of_outputs = 0.0, of_cells = 0.0;
  for (std::size_t b = 0; b < kNoiseRows; ++b) {
    for (std::size_t o = 0; o < kNoiseSize; ++o) {
      of_outputs += square(noisy[b * kNoiseSize + o] - clean[b * kNoiseSize + o]);
      double noise = 0.0;
      for (std::size_t j = 0; j < kNoiseSize; ++j) {
        const RngKey key = RngKey(2024, Purpose::sampling, 7).at_event(static_cast<std::uint32_t>(b));
        const std::size_t cell = o * kNoiseSize + j;
        noise += kNoise * std::sqrt(std::abs(double(w[cell]))) * row[j] *
                 Rng<float>(key, static_cast<std::uint32_t>(cell)).normal();
      }
      of_cells += square(noise);
    }
  }
  return std::sqrt(of_outputs / of_cells) - 1.0;
}

struct Moments {
  double mean = 0.0, deviation = 0.0;
};

constexpr std::size_t kPulsedSize = 64;

/// Weights of 4096 devices after 8 samples with trains of 31 slots that meet in half of them.
Moments pulsed_weights(PulseSteps steps) {
  Hardware hardware = ideal_cells(0);
  Value table = Value::table();
  table.set_key("model", SoftBounds::kName);
  hardware.device = device_from_value(table, "device");
  TileArray array(kExec, hardware, {.seed = 1}, kPulsedSize, kPulsedSize);
  const std::vector<float> w(kPulsedSize * kPulsedSize, 0.0f), ones(8 * kPulsedSize, 1.0f);
  array.program(kExec, {w.data(), kPulsedSize, kPulsedSize}, 1.0f);
  const std::vector<double> before = array.read_weights(kExec);
  const MatrixView<const float> lines(ones.data(), 8, kPulsedSize);
  array.update(kExec, lines, lines, {.x_gain = 0.70710678f, .d_gain = 0.70710678f, .steps = steps});
  std::vector<double> change = array.read_weights(kExec);
  Moments found;
  for (std::size_t i = 0; i < change.size(); ++i) change[i] -= before[i];
  for (const double d : change) found.mean += d / double(change.size());
  for (const double d : change) found.deviation += square(d - found.mean) / double(change.size());
  found.deviation = std::sqrt(found.deviation);
  return found;
}

/// Largest error of the effective matrix of 64 x 64 cells, relative to the largest element of its row.
double wires_error() {
  constexpr std::size_t kSize = 64;
  const std::vector<float> g = uniforms(kSize * kSize, 8, 0.1e-6f, 25e-6f);
  std::vector<float> exact(g.size()), found(g.size());
  EffectiveMatrix op{.wires = {.word = {.segment = 2.0, .first = 2.0},
                               .bit = {.segment = 2.0, .first = WireLine::kOpen, .last = 2.0}},
                     .outputs = kSize,
                     .inputs = kSize,
                     .g = g.data(),
                     .effective = found.data()};
  kernels(Backend::cpu).effective_matrix(kExec, op);
  op.effective = exact.data();
  op.tolerance = 1e-7f;
  kernels(Backend::reference).effective_matrix(kExec, op);
  double largest = 0.0;
  for (std::size_t o = 0; o < kSize; ++o) {
    const auto row = exact.begin() + static_cast<std::ptrdiff_t>(o * kSize);
    const double size = *std::max_element(row, row + kSize);
    for (std::size_t j = 0; j < kSize; ++j) {
      largest = std::max(largest,
                         std::abs(double(found[o * kSize + j]) - row[static_cast<std::ptrdiff_t>(j)]) / size);
    }
  }
  return largest;
}

/// Variance [A^2] of each output with noise of `share` g of every cell: by linear response of the exact
/// circuit, in which the noise of a cell reaches every output.
std::vector<double> exact_noise(TileArray& array, Polarity side, const std::vector<float>& x, double share) {
  const std::vector<float> cells = array.tiles()[0].conductances(kExec, side, array.now());
  const std::vector<double> g(cells.begin(), cells.end()), volts(x.begin(), x.end());
  WireCircuit circuit(array.hardware().wires, {g.data(), array.outputs(), array.inputs()});
  const WireSolution solution = circuit.solve(volts);
  std::vector<double> variances(array.outputs());
  for (std::size_t o = 0; o < variances.size(); ++o) {
    std::vector<double> output(variances.size());
    output[o] = 1.0;
    const WireCircuit::Gradient gradient = circuit.gradient(solution, output);
    for (std::size_t i = 0; i < g.size(); ++i) variances[o] += square(share * g[i] * gradient.g[i]);
  }
  return variances;
}

/// Spread of the read noise of products behind wires over that of the exact circuit, minus 1.
double wires_noise_error() {
  constexpr float kNoise = 0.1f;
  Hardware hardware = ideal_cells(8);
  hardware.wires.word_line = hardware.wires.bit_line = 1.0;
  hardware.tile.read_noise = kNoise;
  hardware.tile.read_noise_law = ReadNoiseLaw::proportional;
  const std::vector<float> w = uniforms(kNoiseSize * kNoiseSize, 5, -1.0f, 1.0f),
                           row = inputs_on_codes(kNoiseSize, 6);
  TileArray array(kExec, hardware, {.seed = 1}, kNoiseSize, kNoiseSize);
  array.program(kExec, {w.data(), kNoiseSize, kNoiseSize}, 1.0f);
  std::vector<float> x, y(kNoiseRows * kNoiseSize);
  for (std::size_t b = 0; b < kNoiseRows; ++b) x.insert(x.end(), row.begin(), row.end());
  array.mvm(kExec, MatrixView<const float>{x.data(), kNoiseRows, kNoiseSize},
            MatrixView<float>{y.data(), kNoiseRows, kNoiseSize});
  const std::vector<double> plus = exact_noise(array, Polarity::plus, row, kNoise),
                            minus = exact_noise(array, Polarity::minus, row, kNoise);
  double found = 0.0, exact = 0.0;
  for (std::size_t o = 0; o < kNoiseSize; ++o) {
    double mean = 0.0, squares = 0.0;
    for (std::size_t b = 0; b < kNoiseRows; ++b) {
      mean += y[b * kNoiseSize + o] / double(kNoiseRows);
      squares += square(y[b * kNoiseSize + o]) / double(kNoiseRows);
    }
    found += (squares - square(mean)) * double(kNoiseRows) / double(kNoiseRows - 1);
    exact += (plus[o] + minus[o]) * square(array.mapping().weight_per_siemens());
  }
  return std::sqrt(found / exact) - 1.0;
}

/// Largest relative deviation of the processes of correlated read noise from q^2 / f, from `decades` inside
/// either end of a band of 11.3 decades on.
double one_over_f_error(double decades) {
  const CellNoiseParams params{.correlated = true, .longest = 1e5, .resolution = 1e-9};
  const double t_read = 250e-9, low = 1.0 / params.longest, high = 0.5 / t_read;
  const NoiseProcesses processes = noise_processes(params, t_read);
  double largest = 0.0;
  const double inside = std::pow(10.0, decades);
  for (double f = low * inside; f <= high / inside; f *= 1.01) {
    const double omega = 2.0 * std::numbers::pi * f;
    double spectrum = 0.0;
    for (int k = 0; k < processes.count; ++k) {
      const double rate = processes.rate[k];
      spectrum += 4.0 * square(processes.weight) * rate / (square(rate) + square(omega));
    }
    largest = std::max(largest, std::abs(spectrum * f - 1.0));
  }
  return largest;
}

/// Root mean square difference of products of nonlinear cells with linearised wires from those of exact
/// circuits, relative; 64 x 64 weights, 4 inputs, 1 Ohm a segment.
double linearised_error(const CurrentParams& law) {
  constexpr std::size_t kSize = 64, kBatch = 4;
  const std::vector<float> w = uniforms(kSize * kSize, 1, -1.0f, 1.0f),
                           x = inputs_on_codes(kBatch * kSize, 2);
  const auto multiply = [&](NonlinearWires how) {
    Hardware hardware = ideal_cells(8);
    hardware.wires.word_line = hardware.wires.bit_line = 1.0;
    hardware.current = law;
    hardware.current.wires = how;
    TileArray array(kExec, hardware, {.seed = 1}, kSize, kSize);
    array.program(kExec, {w.data(), kSize, kSize});
    std::vector<float> y(kBatch * kSize);
    array.mvm(kExec, {x.data(), kBatch, kSize}, MatrixView<float>{y.data(), kBatch, kSize});
    return y;
  };
  const std::vector<float> exact = multiply(NonlinearWires::newton),
                           found = multiply(NonlinearWires::linearised);
  double error = 0.0, size = 0.0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    error += square(double(found[i]) - exact[i]);
    size += square(exact[i]);
  }
  return std::sqrt(error / size);
}

/// Largest error of the currents of cells up to 100 uS as a sum of products, relative to the largest current.
double expansion_error() {
  Hardware hardware = ideal_cells(8);
  hardware.device = Ideal::Params{.g_min = 0.0f, .g_max = 100e-6f};
  hardware.current = {.law = CurrentKind::polynomial, .access_resistance = 1e3, .access_saturation = 80e-6};
  const CurrentExpansion law(hardware);
  const std::vector<float> g = uniforms(200, 11, 0.0f, 100e-6f), x = uniforms(200, 12, -1.0f, 1.0f);
  const auto terms = static_cast<std::size_t>(law.terms());
  std::vector<float> cells(terms * g.size());
  law.cells(kExec, g, law.terms(), cells);
  double largest = 0.0;
  for (const float u : x) {
    std::vector<double> inputs(terms);
    law.inputs(Direction::forward, u, inputs);
    for (std::size_t i = 0; i < g.size(); ++i) {
      double sum = 0.0;
      for (std::size_t t = 0; t < terms; ++t) sum += double(cells[t * g.size() + i]) * inputs[t];
      largest = std::max(largest, std::abs(sum - law.response(g[i], u)));
    }
  }
  return largest / 100e-6;
}

struct GatedErrors {
  double largest = 0.0;    ///< of an output in floats, relative
  double of_matrix = 0.0;  ///< root mean square error of the outputs of the matrix of single cells, relative
};

/// Outputs of 64 gated arrays of 64 x 256 cells, of whose gates half are open.
GatedErrors gated_errors() {
  constexpr std::size_t kOutputs = 64, kInputs = 256, kRows = 64;
  const GatedNetwork network{.source = {.segment = 1.0, .first = 1.0},
                             .bit = {.segment = 1.0, .first = WireLine::kOpen, .last = 1.0}};
  const std::vector<float> g = uniforms(kOutputs * kInputs, 10, 0.0f, 25e-6f);
  std::vector<std::int16_t> codes;
  for (const float x : uniforms(kRows * kInputs, 11, -1.0f, 1.0f)) codes.push_back(x > 0.0f);
  std::vector<float> cells(padded_outputs(kOutputs) * kInputs), alone(g.size()), found(kRows * kOutputs),
      exact(found.size());
  kernels(Backend::cpu)
      .pack_gated(kExec, {.network = network,
                          .g = g.data(),
                          .outputs = kOutputs,
                          .inputs = kInputs,
                          .cells = cells.data(),
                          .alone = alone.data()});
  GatedProducts op{.network = network,
                   .cells = cells.data(),
                   .largest = 25e-6f,
                   .outputs = kOutputs,
                   .inputs = kInputs,
                   .codes = codes.data(),
                   .code_stride = kInputs,
                   .batch = kRows,
                   .y = found.data()};
  kernels(Backend::cpu).gated_products(kExec, op);
  op.y = exact.data();
  kernels(Backend::reference).gated_products(kExec, op);
  GatedErrors errors;
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    errors.largest = std::max(errors.largest, std::abs(double(found[i]) / exact[i] - 1.0));
    double of_matrix = 0.0;
    for (std::size_t j = 0; j < kInputs; ++j) {
      of_matrix += codes[i / kOutputs * kInputs + j] * double(alone[i % kOutputs * kInputs + j]);
    }
    sum += square(of_matrix - exact[i]);
    squares += square(exact[i]);
  }
  errors.of_matrix = std::sqrt(sum / squares);
  return errors;
}

/// Largest relative error of a function of floats on 100 000 points in (low, high).
template <class Own, class Exact>
double function_error(float low, float high, const Own& own, const Exact& exact) {
  double largest = 0.0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    const float x = low + (high - low) * uniform(9, i);
    largest = std::max(largest, std::abs(double(own(x)) / exact(double(x)) - 1.0));
  }
  return largest;
}

}  // namespace

std::vector<MeasuredAccuracy> measured_accuracies() {
  const Moments aggregated = pulsed_weights(PulseSteps::aggregated),
                single = pulsed_weights(PulseSteps::single);
  const WireModelErrors wires = wire_model_errors({.size = 64, .relative_segment = 2.5e-5});
  const GatedErrors gated = gated_errors();
  const double cells = double(kPulsedSize * kPulsedSize), noises = double(kNoiseRows * kNoiseSize);
  return {
      {.what = "Weights as 16-bit codes",
       .exact = "weights as real numbers",
       .measure = "root mean square error of products, relative; 256 x 256 uniform weights, inputs of 8 bits",
       .error = product_error(8),
       .where = "kernels/mvm.h"},
      {.what = "Products in single precision",
       .exact = "products in double precision",
       .measure = "the same, without a DAC",
       .error = product_error(0),
       .where = "kernels/mvm.h"},
      {.what = "Magnitudes of weights as 7 bits in the variance of read noise",
       .exact = "magnitudes as real numbers",
       .measure = "largest relative error of the standard deviation of 256 outputs of 256 uniform weights",
       .error = magnitude_error(),
       .where = "kernels/mvm.h"},
      {.what = "Read noise drawn once per output",
       .exact = "read noise drawn for every cell",
       .measure = "relative difference of the standard deviations of 64 outputs of 64 cells, 1000 products",
       .error = output_noise_error(),
       .sampling_error = 1.0 / std::sqrt(noises),
       .where = "kernels/mvm_epilogue.h"},
      {.what = "Pulses of a train as one step",
       .exact = "pulse after pulse",
       .measure = "relative difference of the mean change of 4096 soft-bounds devices after 124 pulses each",
       .error = aggregated.mean / single.mean - 1.0,
       .sampling_error = std::hypot(aggregated.deviation, single.deviation) / single.mean / std::sqrt(cells),
       .where = "kernels/pulse_cells.h"},
      {.what = "Effective matrix of wires in single precision",
       .exact = "nodal equations in double precision",
       .measure = "largest error relative to the largest element of its row; 64 x 64 cells up to 25 uS, 2 "
                  "Ohm a segment",
       .error = wires_error(),
       .where = "kernels/wires.h"},
      {.what = "Gated arrays in single precision",
       .exact = "the circuit in double precision",
       .measure = "largest relative error of an output; 64 x 256 cells up to 25 uS, 1 Ohm a segment, half of "
                  "the gates open",
       .error = gated.largest,
       .where = "kernels/gated_products.h"},
      {.what = "Gated arrays as the matrix of what cells conduct alone",
       .exact = "the circuit of all open gates",
       .measure = "root mean square error of outputs, relative; the same arrays",
       .error = gated.of_matrix,
       .where = "kernels/gated_products.h"},
      {.what = "Wires by the model `lines`",
       .exact = "the exact circuit",
       .measure =
           "root mean square error of outputs, relative; 64 x 64 uniform cells up to 25 uS, 1 Ohm a segment",
       .error = wires.rms[static_cast<std::size_t>(WireModel::lines)],
       .where = "crossbar/wire_models.h"},
      {.what = "Wires by the model `two-lines`",
       .exact = "the exact circuit",
       .measure = "the same",
       .error = wires.rms[static_cast<std::size_t>(WireModel::two_lines)],
       .where = "crossbar/wire_models.h"},
      {.what = "Wires by the model `sweep`",
       .exact = "the exact circuit",
       .measure = "the same",
       .error = wires.rms[static_cast<std::size_t>(WireModel::sweep)],
       .where = "crossbar/wire_models.h"},
      {.what = "Wires left out",
       .exact = "the exact circuit",
       .measure = "the same",
       .error = wires.rms[static_cast<std::size_t>(WireModel::ideal)],
       .where = "crossbar/wire_models.h"},
      {.what = "Read noise behind wires, of the cells of an output alone",
       .exact = "linear response of the exact circuit, in which the noise of a cell reaches all outputs",
       .measure = "relative difference of the standard deviations of 64 outputs of 64 cells up to 25 uS, "
                  "noise of 10 % "
                  "of each, 1 Ohm a segment, 1000 products",
       .error = wires_noise_error(),
       .sampling_error = 1.0 / std::sqrt(2.0 * noises),
       .where = "crossbar/tile_read.cpp"},
      {.what = "Read noise with memory as a sum of Lorentzians",
       .exact = "a spectrum of 1/f",
       .measure = "largest relative error of the spectrum from one decade inside a band of 11.3 decades on",
       .error = one_over_f_error(1.0),
       .where = "devices/correlated_noise.h"},
      {.what = "The same",
       .exact = "a spectrum of 1/f",
       .measure = "the same from one and a half decades on",
       .error = one_over_f_error(1.5),
       .where = "devices/correlated_noise.h"},
      {.what = "Currents of nonlinear cells as sums of products",
       .exact = "the law of the cells",
       .measure =
           "largest error relative to the largest current; polynomial law behind an access device that "
           "saturates, cells up to 100 uS",
       .error = expansion_error(),
       .where = "crossbar/current_expansion.h"},
      {.what = "`current.wires = \"linearised\"`, sinh law",
       .exact = "the exact circuit of nonlinear cells",
       .measure =
           "root mean square error of products, relative; 64 x 64 uniform weights of cells up to 25 uS, 1 "
           "Ohm a segment, 0.2 V",
       .error = linearised_error({.law = CurrentKind::sinh}),
       .where = "crossbar/tile_nonlinear.cpp"},
      {.what = "The same, polynomial law",
       .exact = "the exact circuit of nonlinear cells",
       .measure = "the same",
       .error = linearised_error({.law = CurrentKind::polynomial}),
       .where = "crossbar/tile_nonlinear.cpp"},
      {.what = "Own exponential function",
       .exact = "that of the C library in double precision",
       .measure = "largest relative error in (-20, 20)",
       .error = function_error(
           -20.0f, 20.0f, [](float x) { return exp(x); }, [](double x) { return std::exp(x); }),
       .where = "core/math.h"},
      {.what = "Own logarithm",
       .exact = "that of the C library in double precision",
       .measure = "largest relative error in (2, 1000)",
       .error = function_error(
           2.0f, 1000.0f, [](float x) { return log(x); }, [](double x) { return std::log(x); }),
       .where = "core/math.h"},
  };
}

}  // namespace mq
