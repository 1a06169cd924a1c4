/// Products of nonlinear cells against the sum of the currents of their cells.
#include "arrays.h"
#include "laws.h"
#include "meltquench/crossbar/inspection.h"
#include "meltquench/crossbar/nonlinear_circuit.h"
#include "meltquench/devices/read_calibration.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 14, kInputs = 21, kBatch = 3;
constexpr double kVolts = 0.2;

Hardware cells_of(const CurrentParams& law) {
  Hardware h = ideal_io("ideal", 12, 8);
  h.device = Ideal::Params{.g_min = 0.0f, .g_max = 100e-6f};
  h.dac.range = 1.5;
  h.current = law;
  return h;
}

using Circuit = std::vector<double> (*)(const Hardware&, Direction, MatrixView<const float>,
                                        std::span<const double>);

std::vector<double> without_wires(const Hardware& h, Direction direction, MatrixView<const float> slopes,
                                  std::span<const double> volts) {
  if (direction == Direction::forward) return nonlinear_currents(h.current, slopes, volts);
  std::vector<double> currents(slopes.columns);
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    currents[i % slopes.columns] -=
        cell_current(h.current, double(slopes.data[i]), -volts[i / slopes.columns]).current;
  }
  return currents;
}

std::vector<double> with_wires(const Hardware& h, Direction direction, MatrixView<const float> slopes,
                               std::span<const double> volts) {
  return (direction == Direction::forward ? solve_nonlinear(h.wires, h.current, slopes, volts)
                                          : solve_nonlinear_transposed(h.wires, h.current, slopes, volts))
      .currents;
}

/// Outputs of one sample, by the currents of cells: inputs become codes, codes phases, phases voltages or
/// pulses.
class Oracle {
 public:
  Oracle(TileArray& array, Direction direction, Circuit circuit)
      : array_(array), h_(array.hardware()), direction_(direction), circuit_(circuit) {}

  std::vector<double> outputs(const float* x, std::size_t inputs, std::size_t outputs) const {
    const InputPhases phases = input_phases(h_.dac);
    const double range = *h_.dac.range;
    std::vector<double> y(outputs);
    if (h_.dac.bits == 0) {
      std::vector<double> u(x, x + inputs);
      for (double& value : u) value /= range;
      add_phase(u, range, y);
      return y;
    }
    const int limit = largest_code(h_.dac.bits);
    const int digit = phases.digit_bits > 0 ? (1 << phases.digit_bits) - 1 : limit;
    for (std::uint32_t phase = 0; phase < phases.count(); ++phase) {
      std::vector<double> u;
      for (std::size_t i = 0; i < inputs; ++i) {
        int code = static_cast<int>(std::lrint(double(x[i]) / range * limit));
        const bool is_negative = phases.splits_sign && phase % 2 == 1;
        if (phases.splits_sign) code = std::max(is_negative ? -code : code, 0);
        const auto at = static_cast<int>((phases.splits_sign ? phase / 2 : phase) * phases.digit_bits);
        if (phases.digit_bits > 0) code = (std::abs(code) >> at & digit) * (code < 0 ? -1 : 1);
        u.push_back(double(code) / digit);
      }
      add_phase(u, phases.weight(phase) * range / limit * digit, y);
    }
    return y;
  }

 private:
  /// Adds `scale` times the outputs of inputs u relative to full scale.
  void add_phase(const std::vector<double>& u, double scale, std::vector<double>& y) const {
    const bool is_forward = direction_ == Direction::forward;
    for (std::size_t t = 0; t < array_.tiles().size(); ++t) {
      const TileGrid& grid = array_.grid();
      const std::size_t row = t / grid.columns() * grid.tile_outputs,
                        column = t % grid.columns() * grid.tile_inputs;
      Tile& tile = array_.tiles()[t];
      const std::size_t first = is_forward ? column : row, n = is_forward ? tile.inputs() : tile.outputs();
      for (const PlaneRole role : plane_roles(h_.mapping)) {
        const double weight = scale * weight_per_siemens(array_.mapping(), role);
        const std::vector<double> part(u.begin() + static_cast<long>(first),
                                       u.begin() + static_cast<long>(first + n));
        std::vector<double> out(is_forward ? tile.outputs() : tile.inputs());
        if (role.kind == PlaneKind::computed_zero) {
          for (const double value : part) {
            for (double& o : out) o += value;
          }
        }
        for (const Polarity side : {Polarity::plus, Polarity::minus}) {
          if (role.kind == PlaneKind::computed_zero ||
              role.kind == (side == Polarity::plus ? PlaneKind::minus : PlaneKind::plus)) {
            continue;
          }
          const bool is_off = side == Polarity::minus && role.kind == PlaneKind::difference;
          const std::vector<double> currents = currents_of(tile, side, role.slice, part);
          for (std::size_t o = 0; o < out.size(); ++o) {
            out[o] += (is_off ? -1.0 : 1.0) * currents[currents.size() == 1 ? 0 : o] / kVolts;
          }
        }
        for (std::size_t o = 0; o < out.size(); ++o) y[(is_forward ? row : column) + o] += weight * out[o];
      }
    }
  }

  std::vector<double> currents_of(Tile& tile, Polarity side, int slice, const std::vector<double>& u) const {
    std::vector<float> g = tile.conductances({.backend = exec_}, side, array_.now(), slice);
    for (float& value : g) {
      value = static_cast<float>(slope_at_zero(h_.current, value, h_.dac.v_read).value());
    }
    const MatrixView<const float> slopes{g.data(), g.size() / tile.inputs(), tile.inputs()};
    std::vector<double> volts;
    for (const double value : u) volts.push_back(kVolts * value);
    if (h_.dac.coding == InputCoding::level) return circuit_(h_, direction_, slopes, volts);
    // Thin slices of time: pulses begin together and last |u|.
    constexpr int kSlices = 127;
    std::vector<double> sum;
    for (int slice_of_time = 0; slice_of_time < kSlices; ++slice_of_time) {
      for (std::size_t i = 0; i < u.size(); ++i) {
        const bool is_on = std::lrint(std::abs(u[i]) * kSlices) > slice_of_time;
        volts[i] = is_on ? std::copysign(kVolts, u[i]) : 0.0;
      }
      const std::vector<double> now = circuit_(h_, direction_, slopes, volts);
      sum.resize(now.size());
      for (std::size_t o = 0; o < now.size(); ++o) sum[o] += now[o] / kSlices;
    }
    return sum;
  }

 public:
  Backend exec_ = Backend::cpu;

 private:
  TileArray& array_;
  const Hardware& h_;
  Direction direction_;
  Circuit circuit_;
};

/// Largest difference of an array's products from the oracle's, relative to the largest output.
template <class T>
double error_of(const Exec& exec, const Hardware& h, Direction direction, Circuit circuit,
                std::vector<T>* outputs = nullptr) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray array(exec, h, {}, kOutputs, kInputs);
  array.program(exec, matrix(w, kOutputs));
  const bool is_forward = direction == Direction::forward;
  const std::size_t inputs = is_forward ? kInputs : kOutputs, columns = is_forward ? kOutputs : kInputs;
  if (!is_forward) {
    array.set_transposed_ranges({.dac = static_cast<float>(*h.dac.range), .adc = array.ranges().adc});
  }
  std::vector<float> x = uniforms(kBatch * inputs, 2);
  for (float& value : x) value *= 1.5f;
  const std::vector<T> wide(x.begin(), x.end());
  std::vector<T> y(kBatch * columns);
  const MatrixView<const T> from{wide.data(), kBatch, inputs};
  const MatrixView<T> to{y.data(), kBatch, columns};
  is_forward ? array.mvm(exec, from, to) : array.mvm_transposed(exec, from, to);
  Oracle oracle(array, direction, circuit);
  oracle.exec_ = exec.backend;
  double worst = 0.0, most = 0.0;
  for (std::size_t row = 0; row < kBatch; ++row) {
    const std::vector<double> exact = oracle.outputs(x.data() + row * inputs, inputs, columns);
    for (std::size_t o = 0; o < columns; ++o) {
      worst = std::max(worst, std::abs(y[row * columns + o] - exact[o]));
      most = std::max(most, std::abs(exact[o]));
    }
  }
  EXPECT_GT(most, 0.1);
  if (outputs != nullptr) *outputs = y;
  return worst / most;
}

/// Planes and inputs of terms are rounded to 16 bits, or to floats.
double tolerance(const Hardware& h) { return h.dac.bits > 0 ? 5e-5 : 5e-6; }

struct Inputs {
  std::string name;
  DacParams dac;
};

std::vector<Inputs> input_kinds() {
  const auto duration = InputCoding::duration;
  return {{"ideal levels", {.bits = 0, .range = 1.5}},
          {"levels", {.bits = 8, .range = 1.5}},
          {"durations", {.bits = 8, .coding = duration, .range = 1.5}},
          {"durations of one polarity", {.bits = 8, .coding = duration, .range = 1.5, .splits_sign = true}},
          {"bits", {.bits = 6, .range = 1.5, .digit_bits = 1}},
          {"digits of one polarity", {.bits = 6, .range = 1.5, .digit_bits = 2, .splits_sign = true}},
          {"bits added as charge",
           {.bits = 6, .range = 1.5, .digit_bits = 1, .accumulation = Accumulation::analog}}};
}

TEST(NonlinearProducts, AreTheSumOfTheCurrentsOfTheirCells) {
  const Exec reference{.backend = Backend::reference};
  for (const NamedLaw& of : nonlinear_laws()) {
    for (const Inputs& inputs : input_kinds()) {
      Hardware h = cells_of(of.law);
      h.dac = inputs.dac;
      for (const Exec& exec : {reference, Exec{}}) {
        if (exec.backend == Backend::reference && inputs.name != "levels") continue;
        EXPECT_LT(error_of<float>(exec, h, Direction::forward, without_wires), tolerance(h))
            << of.name << ", " << inputs.name << ", " << name(exec.backend);
      }
    }
    EXPECT_LT(error_of<double>(reference, cells_of(of.law), Direction::forward, without_wires), 1e-6)
        << of.name;
  }
}

TEST(NonlinearProducts, FromOutputsToInputsSeeTheCellsFromTheOtherSide) {
  for (const NamedLaw& of : nonlinear_laws()) {
    Hardware h = cells_of(of.law);
    EXPECT_LT(error_of<float>({}, h, Direction::transposed, without_wires), tolerance(h)) << of.name;
    h.dac.bits = 8;
    EXPECT_LT(error_of<float>({}, h, Direction::transposed, without_wires), tolerance(h)) << of.name;
    h.dac.coding = InputCoding::duration;
    EXPECT_LT(error_of<float>({}, h, Direction::transposed, without_wires), tolerance(h)) << of.name;
  }
}

TEST(NonlinearProducts, OfEveryMappingAreTheSumOfTheCurrentsOfTheirCells) {
  const CurrentParams law{.law = CurrentKind::polynomial, .negative_factor = 0.8};
  for (const MappingParams& mapping :
       {MappingParams{.subtraction = Subtraction::digital}, MappingParams{.slices = 2, .slice_bits = 3},
        MappingParams{.kind = MappingKind::offset},
        MappingParams{.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column}}) {
    Hardware h = cells_of(law);
    h.mapping = mapping;
    EXPECT_LT(error_of<float>({}, h, Direction::forward, without_wires), tolerance(h));
    EXPECT_LT(error_of<double>({.backend = Backend::reference}, h, Direction::forward, without_wires), 1e-6);
    h.dac.bits = 8;
    EXPECT_LT(error_of<float>({}, h, Direction::forward, without_wires), tolerance(h));
  }
}

TEST(NonlinearProducts, InStepsAreThoseOfTheFusedKernel) {
  Hardware h = cells_of({.law = CurrentKind::polynomial});
  h.dac.bits = 8;
  h.adc.bits = 8;
  h.adc.range = 6.0;
  h.tile.read_noise = h.tile.output_noise = 0.02f;
  std::vector<float> fused, steps;
  error_of<float>({}, h, Direction::forward, without_wires, &fused);
  h.adc.bound_management = BoundManagement::iterative;  // nothing is cut
  error_of<float>({}, h, Direction::forward, without_wires, &steps);
  for (std::size_t i = 0; i < fused.size(); ++i) EXPECT_NEAR(fused[i], steps[i], 1e-5);
}

TEST(NonlinearProducts, OfPatchesAreThoseOfTheSameInputs) {
  Hardware h = cells_of({.law = CurrentKind::polynomial});
  h.dac.bits = 8;
  TileArray array({}, h, {}, kOutputs, kInputs);
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kBatch * kInputs, 2);
  array.program({}, matrix(w, kOutputs));
  // Images of one pixel are patches.
  const Windows windows{
      .samples = kBatch, .channels = kInputs, .height = 1, .width = 1, .rows = 1, .columns = 1};
  std::vector<float> y(kBatch * kOutputs);
  array.mvm_patches({}, windows, x.data(), {y.data(), kBatch, kOutputs});
  EXPECT_EQ(y, product(array, {}, x));
}

TEST(NonlinearProducts, OfDriversThatErrSeeWhatTheyReallyDrive) {
  Hardware linear = cells_of({}), h = cells_of({.law = CurrentKind::sinh});
  linear.dac.bits = h.dac.bits = 8;
  linear.dac.input_noise = h.dac.input_noise = 0.02f;
  linear.dac.asymmetry = h.dac.asymmetry = 0.1f;
  // One cell, one input: the law of what a linear cell gives.
  const std::vector<float> w{1.0f}, x{0.9f, -0.9f, 0.4f};
  TileArray a({}, linear, {}, 1, 1), b({}, h, {}, 1, 1);
  a.program({}, matrix(w, 1));
  b.program({}, matrix(w, 1));
  const std::vector<float> u = product(a, {}, x), y = product(b, {}, x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double volts = kVolts * u[i] / 1.5;
    EXPECT_NEAR(y[i], 1.5 * std::sinh(volts / 0.25) / std::sinh(kVolts / 0.25), 1e-4);
  }
}

TEST(NonlinearProducts, HaveReadNoiseThatGrowsAsTheCurrentsDo) {
  Hardware h = cells_of({.law = CurrentKind::sinh});
  h.tile.read_noise = 0.1f;
  h.dac.bits = 8;
  TileArray array({}, h, {}, 1, 1);
  array.program({}, matrix({1.0f}, 1));
  const std::size_t n = 4000;
  for (const float x : {1.5f, 0.75f}) {
    const std::vector<float> y = product(array, {}, std::vector<float>(n, x));
    double mean = 0.0, square = 0.0;
    for (const float value : y) mean += value / double(n), square += double(value) * value / double(n);
    const double expected =
        0.15 * std::sinh(std::nearbyint(x / 1.5 * 127) / 127 * kVolts / 0.25) / std::sinh(kVolts / 0.25);
    // Five standard errors of a deviation from 4000 samples.
    EXPECT_NEAR(std::sqrt(square - mean * mean) / expected, 1.0, 5.0 / std::sqrt(2.0 * double(n)) + 0.005);
  }
}

TEST(NonlinearProducts, AreThoseOfLinearCellsWhereTheLawIsLinear) {
  Hardware plain = cells_of({}), access = cells_of({.access_resistance = 2e3});
  plain.dac.bits = access.dac.bits = 8;
  std::vector<float> a, b;
  error_of<float>({}, plain, Direction::forward, without_wires, &a);
  error_of<float>({}, access, Direction::forward, without_wires, &b);
  EXPECT_EQ(a, b) << "what is measured at v_read includes the access device";
}

Hardware wired(const CurrentParams& law, double ohm) {
  Hardware h = cells_of(law);
  h.wires.word_line = h.wires.bit_line = ohm;
  h.wires.driver = 2.0 * ohm;
  return h;
}

TEST(NonlinearProducts, WithWiresAreThoseOfTheExactCircuit) {
  for (const NamedLaw& of : {nonlinear_laws()[1], nonlinear_laws()[3], nonlinear_laws()[8]}) {
    Hardware h = wired(of.law, 20.0);
    const Exec reference{.backend = Backend::reference};
    EXPECT_LT(error_of<double>(reference, h, Direction::forward, with_wires), 1e-6) << of.name;
    EXPECT_LT(error_of<double>(reference, h, Direction::transposed, with_wires), 1e-6) << of.name;
    h.dac.bits = 8;
    EXPECT_LT(error_of<float>({.threads = 2}, h, Direction::forward, with_wires), 1e-6) << of.name;
    EXPECT_GT(error_of<float>({}, h, Direction::forward, without_wires), 1e-3) << "wires must be seen";
    h.dac.digit_bits = 2;
    h.dac.splits_sign = true;
    h.dac.accumulation = Accumulation::analog;
    EXPECT_LT(error_of<float>({}, h, Direction::forward, with_wires), 1e-6) << of.name;
  }
  Hardware durations = wired({.law = CurrentKind::sinh}, 20.0);
  durations.dac.bits = 8;
  durations.dac.coding = InputCoding::duration;
  EXPECT_LT(error_of<float>({}, durations, Direction::forward, with_wires), 1e-6);
}

TEST(NonlinearProducts, WithWiresAreTheSameForAnyNumberOfThreads) {
  Hardware h = wired({.law = CurrentKind::sinh}, 20.0);
  h.dac.bits = 8;
  h.tile.read_noise = 0.05f;
  std::vector<float> one, two;
  error_of<float>({.threads = 1}, h, Direction::forward, with_wires, &one);
  error_of<float>({.threads = 2}, h, Direction::forward, with_wires, &two);
  EXPECT_EQ(one, two);
}

TEST(NonlinearProducts, WithLinearisedWiresAreExactWhereCellsAreNearlyLinear) {
  // Far below its V0 the law is linear.
  for (const auto& [volts, most] : {std::pair{50.0, 2e-5}, std::pair{0.25, 0.03}}) {
    Hardware h =
        wired({.law = CurrentKind::sinh, .wires = NonlinearWires::linearised, .sinh_voltage = volts}, 20.0);
    for (const Direction direction : {Direction::forward, Direction::transposed}) {
      EXPECT_LT(error_of<float>({}, h, direction, with_wires), most) << volts;
    }
    h.current.law = CurrentKind::polynomial;
    EXPECT_LT(error_of<float>({}, h, Direction::forward, with_wires), 0.01);
  }
}

TEST(NonlinearProducts, SeeTheLinesThatTheirCellsAreOn) {
  // Stuck cells move lines, and every line is part of the circuit; a reference column is its last bit line.
  for (const MappingKind kind : {MappingKind::differential, MappingKind::offset}) {
    Hardware h = cells_of({.law = CurrentKind::polynomial, .wires = NonlinearWires::newton});
    h.mapping.kind = kind;
    if (kind == MappingKind::offset) h.mapping.zero = ZeroRemoval::reference_column;
    h.tile.rows = 24;
    h.tile.columns = 16;
    h.tile.spare_rows = 3;
    h.tile.spare_columns = 2;
    h.tile.remap = Remap::permute;
    h.faults.stuck_high = 0.02f;
    h.wires.word_line = h.wires.bit_line = 5.0;
    for (const double wires : {0.0, 5.0}) {
      h.wires.word_line = h.wires.bit_line = wires;
      const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kInputs, 2);
      TileArray array({}, h, {}, kOutputs, kInputs);
      array.program({}, matrix(w, kOutputs));
      Tile& tile = array.tiles().front();
      const LineMap& lines = tile.lines();
      EXPECT_NE(lines, LineMap::in_order(kOutputs, kInputs, 2, 3));
      std::vector<double> volts(lines.word_lines), exact(kOutputs);
      for (std::size_t j = 0; j < kInputs; ++j) volts[lines.inputs[j]] = kVolts * x[j] / 1.5;
      const auto slopes = [&](Polarity side) {
        std::vector<float> g = tile.array_conductances({}, side, array.now());
        for (float& value : g) {
          value = static_cast<float>(slope_at_zero(h.current, value, h.dac.v_read).value());
        }
        return g;
      };
      const auto currents = [&](const std::vector<float>& g) {
        const MatrixView<const float> cells{g.data(), g.size() / lines.word_lines, lines.word_lines};
        return wires > 0.0 ? solve_nonlinear(h.wires, h.current, cells, volts).currents
                           : nonlinear_currents(h.current, cells, volts);
      };
      std::vector<float> plus = slopes(Polarity::plus);
      const std::vector<float> minus = slopes(Polarity::minus);
      const double weight = 1.5 / kVolts * array.mapping().weight_per_siemens(0);
      if (kind == MappingKind::offset) {
        plus.insert(plus.end(), minus.begin(), minus.end());
        const std::vector<double> found = currents(plus);
        for (std::size_t o = 0; o < kOutputs; ++o) {
          exact[o] = weight * (found[lines.outputs[o]] - found[lines.bit_lines]);
        }
      } else {
        const std::vector<double> of_plus = currents(plus), of_minus = currents(minus);
        for (std::size_t o = 0; o < kOutputs; ++o) {
          exact[o] = weight * (of_plus[lines.outputs[o]] - of_minus[lines.outputs[o]]);
        }
      }
      const std::vector<float> y = product(array, {}, x);
      for (std::size_t o = 0; o < kOutputs; ++o) EXPECT_NEAR(y[o], exact[o], 2e-5) << wires;
    }
  }
}

TEST(NonlinearProducts, HaveTheCurrentsThatInspectionShows) {
  for (const double ohm : {0.0, 20.0}) {
    Hardware h = wired({.law = CurrentKind::sinh, .negative_factor = 0.8}, ohm);
    h.tile.rows = h.tile.columns = 32;
    h.dac.bits = 8;
    const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
    TileArray array({}, h, {}, kOutputs, kInputs);
    array.program({}, matrix(w, kOutputs));
    std::vector<float> x = uniforms(kInputs, 2);
    for (float& value : x) value = std::nearbyint(value * 127.0f) * 1.5f / 127.0f;
    const std::vector<float> y = product(array, {}, x);
    const std::vector<double> wide(x.begin(), x.end());
    const TileReading seen = inspect(array, {}, 0, wide, kVolts);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      const double sum = (seen.plus.currents[o] - seen.minus.currents[o]) * 1.5 / kVolts *
                         array.mapping().weight_per_siemens();
      EXPECT_NEAR(y[o], sum, 5e-5 * 6.0) << ohm;
    }
    double of_cells = 0.0;
    for (std::size_t i = 0; i < kInputs; ++i) of_cells += seen.plus.cell_currents[i];
    EXPECT_NEAR(of_cells / seen.plus.currents[0], 1.0, 1e-9) << ohm;
  }
}

TEST(NonlinearProducts, SayWhatTheyCannotDo) {
  const auto message = [](const Hardware& h) {
    return message_of([&] { error_of<float>({}, h, Direction::forward, without_wires); });
  };
  Hardware h = cells_of({.law = CurrentKind::sinh});
  h.dac.bits = 8;
  h.tile.read_noise_law = ReadNoiseLaw::nanosecond;
  EXPECT_NE(message(h).find("set dac.coding = \"duration\""), std::string::npos) << message(h);
  h.dac.coding = InputCoding::duration;
  h.current.negative_factor = 0.5;
  EXPECT_NE(message(h).find("current.negative_factor = 1"), std::string::npos) << message(h);
  TileArray open({}, ideal_io("ideal"), {}, 2, 2);
  Hardware no_range = ideal_io("ideal");
  no_range.current.law = CurrentKind::sinh;
  TileArray array({}, no_range, {}, 1, 2);
  array.program({}, matrix({1.0f, 0.5f}, 1));
  EXPECT_EQ(message_of([&] {
              product(array, {}, std::vector<float>{1.0f, 2.0f});
            }),
            "cells of [current] are not linear, so inputs need a full scale that dac.v_read stands for; set "
            "dac.range, or calibrate with typical inputs");
}

}  // namespace
}  // namespace mq
