/// Products of arrays whose inputs open transistors: as the double-precision solver says, for every mapping.
#include <algorithm>
#include <functional>

#include "arrays.h"
#include "meltquench/crossbar/gated_wires.h"
#include "meltquench/crossbar/inspection.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 21, kInputs = 30, kBatch = 6;

WireParams gated_wires(double ohm) {
  return {.topology = WireTopology::gated,
          .word_line = ohm,
          .bit_line = 0.5 * ohm,
          .driver = 2.0 * ohm,
          .sense = 3.0 * ohm};
}

Hardware with_gates(double ohm) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.wires = gated_wires(ohm);
  h.dac.bits = 5;
  h.dac.digit_bits = 1;
  h.dac.range = 1.0;
  return h;
}

/// What one side of a slice gives for codes of -1, 0 and 1, by the double-precision solver [S].
std::vector<double> conducted(TileArray& array, Polarity side, int slice, const std::vector<int>& codes) {
  std::vector<float> g = array.tiles()[0].conductances({}, side, array.now(), slice);
  const int devices = array.hardware().programming.devices;
  for (float& value : g) value /= static_cast<float>(devices);  // devices of ideal cells share alike
  const std::size_t outputs = g.size() / array.inputs();
  std::vector<double> sum(outputs), found(outputs);
  for (const int sign : {1, -1}) {
    std::vector<std::uint8_t> gates;
    for (const int code : codes) gates.push_back(code == sign);
    gated_currents({}, gated_network_of(array.hardware().wires), 1.0, {g.data(), outputs, array.inputs()},
                   {gates.data(), 1, gates.size()}, {found.data(), 1, outputs});
    for (std::size_t o = 0; o < outputs; ++o) sum[o] += sign * devices * found[o];
  }
  return sum;
}

/// Products by the double-precision solver, bit after bit.
std::vector<double> exact(TileArray& array, const std::vector<float>& x) {
  const Hardware& h = array.hardware();
  const WeightMapping mapping = array.mapping();
  const double step = 1.0 / largest_code(h.dac.bits);
  std::vector<double> y;
  for (std::size_t b = 0; b < x.size() / array.inputs(); ++b) {
    std::vector<double> row(array.outputs());
    for (int digit = 0; digit < h.dac.bits - 1; ++digit) {
      std::vector<int> codes;
      for (std::size_t i = 0; i < array.inputs(); ++i) {
        const int code = static_cast<int>(std::lrint(double(x[b * array.inputs() + i]) / step));
        const int bit = std::abs(code) >> digit & 1;
        codes.push_back(code < 0 ? -bit : bit);
      }
      const double size = std::ldexp(step, digit);
      for (int slice = 0; slice < h.mapping.slices; ++slice) {
        const std::vector<double> plus = conducted(array, Polarity::plus, slice, codes),
                                  minus = conducted(array, Polarity::minus, slice, codes);
        double zero = 0.0;  // of an offset array whose zero is computed
        if (minus.empty()) {
          for (const int code : codes) zero += code * double(mapping.target(0.0f, Polarity::plus, slice));
        }
        for (std::size_t o = 0; o < row.size(); ++o) {
          const double off = minus.empty() ? zero : minus[minus.size() > 1 ? o : 0];
          row[o] += size * mapping.weight_per_siemens(slice) * (plus[o] - off);
        }
      }
    }
    y.insert(y.end(), row.begin(), row.end());
  }
  return y;
}

struct Case {
  const char* name;
  std::function<void(Hardware&)> change;
};

TEST(GatedInProducts, AreThoseOfTheDoubleSolverForEveryMapping) {
  const Case cases[] = {
      {"one side", [](Hardware&) {}},
      {"both sides", [](Hardware& h) { h.mapping.sides = PairSides::both; }},
      {"digital subtraction", [](Hardware& h) { h.mapping.subtraction = Subtraction::digital; }},
      {"slices", [](Hardware& h) { h.mapping.slices = 2, h.mapping.slice_bits = 3; }},
      {"offset, computed zero", [](Hardware& h) { h.mapping.kind = MappingKind::offset; }},
      {"offset, reference column",
       [](Hardware& h) {
         h.mapping.kind = MappingKind::offset, h.mapping.zero = ZeroRemoval::reference_column;
       }},
      {"two devices", [](Hardware& h) { h.programming.devices = 2, h.programming.fill = Fill::equal; }},
      {"split sign", [](Hardware& h) { h.dac.splits_sign = true; }},
      {"analog accumulation", [](Hardware& h) { h.dac.accumulation = Accumulation::analog; }},
      {"one bit and a sign", [](Hardware& h) { h.dac.bits = 2, h.dac.digit_bits = 0; }},
      {"double drive", [](Hardware& h) { h.wires.drive = WireDrive::double_sided; }},
      {"sensed at the first input", [](Hardware& h) { h.wires.sense_side = SenseSide::first; }},
      {"sensed at both ends, driven at both",
       [](Hardware& h) { h.wires.sense_side = SenseSide::both, h.wires.drive = WireDrive::double_sided; }}};
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kBatch * kInputs, 2, 0.3f);
  for (const Case& c : cases) {
    Hardware h = with_gates(20.0), ideal = with_gates(0.0);
    c.change(h), c.change(ideal);
    ideal.wires = {};
    TileArray array({}, h, {}, kOutputs, kInputs), without({}, ideal, {}, kOutputs, kInputs);
    array.program({}, matrix(w, kOutputs));
    without.program({}, matrix(w, kOutputs));
    const std::vector<float> y = product(array, {}, x), free = product(without, {}, x);
    const std::vector<double> expected = exact(array, x);
    double lost = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(y[i], expected[i], 1e-5 * kInputs) << c.name;
      lost = std::max(lost, std::abs(double(y[i]) - free[i]));
    }
    EXPECT_GT(lost, 0.01) << c.name << ": wires of 20 ohm must be seen";
  }
}

TEST(GatedInProducts, OfOneArrayAreCurrentsOfTheDoubleSolver) {
  struct Size {
    std::size_t outputs, inputs;
  };
  for (const Size size : {Size{1, 1}, Size{3, 2}, Size{17, 33}, Size{65, 130}}) {
    for (const WireDrive drive : {WireDrive::single_sided, WireDrive::double_sided}) {
      for (const SenseSide side : {SenseSide::last, SenseSide::first, SenseSide::both}) {
        WireParams wires = gated_wires(2.0);
        wires.drive = drive, wires.sense_side = side;
        const GatedNetwork network = gated_network_of(wires);
        std::vector<float> g = uniforms(size.outputs * size.inputs, 1);
        for (std::size_t i = 0; i < g.size(); ++i) {
          g[i] = i % 61 == 60 ? 1.0f : i % 17 == 16 ? 0.0f : 25e-6f * std::abs(g[i]);
        }
        std::vector<std::uint8_t> gates;
        for (const float x : uniforms(3 * size.inputs, 2)) gates.push_back(x > 0.0f);
        const std::vector<std::int16_t> codes(gates.begin(), gates.end());
        std::vector<double> expected(3 * size.outputs);
        gated_currents({}, network, 1.0, {g.data(), size.outputs, size.inputs},
                       {gates.data(), 3, size.inputs}, {expected.data(), 3, size.outputs});
        for (const Backend backend : {Backend::reference, Backend::cpu}) {
          std::vector<float> cells(padded_outputs(size.outputs) * size.inputs), y(expected.size());
          kernels(backend).pack_gated({.backend = backend}, {.network = network,
                                                             .g = g.data(),
                                                             .outputs = size.outputs,
                                                             .inputs = size.inputs,
                                                             .cells = cells.data()});
          kernels(backend).gated_products({.backend = backend}, {.network = network,
                                                                 .cells = cells.data(),
                                                                 .largest = 1.0f,
                                                                 .outputs = size.outputs,
                                                                 .inputs = size.inputs,
                                                                 .codes = codes.data(),
                                                                 .code_stride = size.inputs,
                                                                 .batch = 3,
                                                                 .y = y.data()});
          const double allowed = backend == Backend::cpu ? 3e-6 : 1e-7;  // relative
          for (std::size_t i = 0; i < y.size(); ++i) {
            ASSERT_NEAR(y[i], expected[i], allowed * expected[i]) << name(backend) << ", " << size.inputs;
          }
        }
      }
    }
  }
}

TEST(GatedInProducts, OfTilesAddUpAndDoNotDependOnBackendThreadsOrBatch) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kBatch * kInputs, 2);
  Hardware h = with_gates(20.0);
  h.tile.rows = 13, h.tile.columns = 8;
  h.adc.bits = 8, h.adc.range = 20.0;
  h.tile.output_noise = 0.01f;
  const auto y = [&](const Exec& exec, std::size_t at_once) {
    TileArray array(exec, h, {.seed = 5}, kOutputs, kInputs);
    array.program(exec, matrix(w, kOutputs));
    std::vector<float> all;
    for (std::size_t row = 0; row < kBatch; row += at_once) {
      const std::vector<float> part(x.begin() + static_cast<std::ptrdiff_t>(row * kInputs),
                                    x.begin() + static_cast<std::ptrdiff_t>((row + at_once) * kInputs));
      const std::vector<float> rows = product(array, exec, part, {.first_row = row});
      all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
  };
  const std::vector<float> expected = y({.threads = 1}, kBatch);
  EXPECT_EQ(y({.threads = 2}, kBatch), expected);
  EXPECT_EQ(y({.threads = 1}, 2), expected);
  const std::vector<float> reference = y({.backend = Backend::reference}, kBatch);
  const double adc_step = 20.0 / 127.0;
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(expected[i], reference[i], adc_step);
}

TEST(GatedInProducts, WithoutResistanceHaveTheBitsOfOrdinaryOnes) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1), x = uniforms(kBatch * kInputs, 2);
  std::vector<float> y[3];
  for (int i = 0; i < 3; ++i) {
    Hardware h = with_gates(i == 2 ? 1e-5 : 0.0);
    if (i == 0) h.wires.topology = WireTopology::input_source;
    TileArray array({}, h, {}, kOutputs, kInputs);
    array.program({}, matrix(w, kOutputs));
    y[i] = product(array, {}, x);
  }
  EXPECT_EQ(y[1], y[0]);
  for (std::size_t i = 0; i < y[0].size(); ++i) EXPECT_NEAR(y[2][i], y[0][i], 1e-4) << "the limit";
}

TEST(GatedInProducts, WeightsAreReadOneGateAtATimeAndCompensationGoesByThem) {
  Hardware h = with_gates(20.0);
  h.device = device_from_preset("pcm-like");
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray array({}, h, {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  const std::vector<double> weights = array.read_weights({});
  Hardware bits = h;
  bits.dac.bits = 2;
  for (std::size_t i = 0; i < kInputs; ++i) {
    // A DAC of one bit and a sign, at full scale: one gate.
    std::vector<float> one(kInputs, 0.0f);
    one[i] = 1.0f;
    TileArray of_bits({}, bits, {}, kOutputs, kInputs);
    of_bits.program({}, matrix(w, kOutputs));
    const std::vector<float> y = product(of_bits, {}, one);
    for (std::size_t o = 0; o < kOutputs; ++o) EXPECT_NEAR(y[o], weights[o * kInputs + i], 1e-5);
  }
  const auto mean = [&] {
    double sum = 0.0;
    for (const double weight : array.read_weights({})) sum += std::abs(weight);
    return sum;
  };
  const double before = mean();
  array.advance_to({}, kMonth);
  const double after = mean();
  array.compensate_drift(DriftCompensation::global);
  EXPECT_LT(after, 0.9 * before);
  EXPECT_NEAR(mean() / before, 1.0, 1e-3);
}

TEST(GatedInProducts, ReadNoiseOfACellIsThatOfItsOwnResponseWithinAFewPercent) {
  Hardware h = with_gates(20.0);
  h.dac.bits = 2;
  h.tile.read_noise = 0.1f;
  h.tile.read_noise_law = ReadNoiseLaw::proportional;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray array({}, h, {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  constexpr std::size_t kSamples = 3000, kOpen = 7;
  std::vector<float> x(kSamples * kInputs, 0.0f);
  for (std::size_t b = 0; b < kSamples; ++b) x[b * kInputs + kOpen] = 1.0f;
  const std::vector<float> y = product(array, {}, x);
  const std::vector<double> weights = array.read_weights({});
  const double g_min = array.mapping().g_min;
  EXPECT_EQ(g_min, 0.0) << "the other side of a pair has no noise";
  // The variance is kept in 7 bits, so of a cell that conducts well.
  std::size_t checked = 0;
  for (std::size_t o = 0; o < kOutputs; ++o) {
    if (std::abs(weights[o * kInputs + kOpen]) < 0.5) continue;
    ++checked;
    double sum = 0.0, squares = 0.0;
    for (std::size_t b = 0; b < kSamples; ++b) {
      sum += y[b * kOutputs + o], squares += std::pow(double(y[b * kOutputs + o]), 2);
    }
    const double n = kSamples, deviation = std::sqrt(squares / n - std::pow(sum / n, 2));
    const double alone = std::abs(weights[o * kInputs + kOpen]);
    EXPECT_NEAR(sum / n, weights[o * kInputs + kOpen], 5.0 * deviation / std::sqrt(n));
    EXPECT_NEAR(deviation / (0.1 * alone), 1.0, 0.03 + 5.0 / std::sqrt(2.0 * n)) << o;
  }
  EXPECT_GT(checked, 3u);
}

TEST(GatedInProducts, AreInspectedOneReadPhaseAtATime) {
  Hardware h = with_gates(20.0);
  const std::vector<float> w = uniforms(kOutputs * kInputs, 1);
  TileArray array({}, h, {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  std::vector<double> x(kInputs, 0.0);
  std::vector<int> codes(kInputs, 0);
  for (std::size_t i = 0; i < kInputs; i += 2) x[i] = codes[i] = 1;
  const TileReading reading = inspect(array, {}, 0, x, 0.2);
  const std::vector<double> plus = conducted(array, Polarity::plus, 0, codes);
  for (std::size_t o = 0; o < kOutputs; ++o) {
    EXPECT_NEAR(reading.plus.currents[o], 0.2 * plus[o], 1e-12);
    double sum = 0.0;
    for (std::size_t i = 0; i < kInputs; ++i) sum += reading.plus.cell_currents[o * kInputs + i];
    EXPECT_NEAR(sum, reading.plus.currents[o], 1e-12);
    EXPECT_EQ(reading.plus.cell_currents[o * kInputs + 1], 0.0) << "a closed gate";
    EXPECT_LT(reading.plus.word[o * kInputs + kInputs - 1], 0.2) << "the source line drops";
  }
  x[3] = 0.5;
  EXPECT_EQ(message_of([&] { inspect(array, {}, 0, x, 0.2); }),
            "with wires.topology = \"gated\" one read opens transistors for one bit of inputs of one sign; "
            "look at a read phase of inputs of one sign, or give x that is 0 or full scale");
}

TEST(GatedInProducts, NeedInputsThatOpenOrCloseGates) {
  const auto sentence = [](const std::function<void(Hardware&)>& change) {
    Hardware h = with_gates(20.0);
    change(h);
    return message_of([&] { TileArray({}, h, {}, kOutputs, kInputs); });
  };
  EXPECT_EQ(
      sentence([](Hardware& h) { h.dac.bits = 8, h.dac.digit_bits = 0; }),
      "wires.topology = \"gated\" needs inputs that open or close transistors, but dac.bits = 8 with "
      "dac.digit_bits = 0 drives codes up to 127 at a time; set dac.digit_bits = 1, which drives one bit "
      "after the other");
  EXPECT_EQ(sentence([](Hardware& h) { h.dac.bits = 0, h.dac.digit_bits = 0; }),
            "wires.topology = \"gated\" needs inputs that open or close transistors, but dac.bits = 0 leaves "
            "them real numbers; set dac.digit_bits = 1, which drives one bit after the other, and dac.bits");
  EXPECT_EQ(sentence([](Hardware& h) { h.dac.input_noise = 0.01f; }),
            "wires.topology = \"gated\" has inputs that only open transistors, so drivers have no "
            "dac.input_noise and no dac.asymmetry; leave both at 0");
  EXPECT_EQ(
      sentence([](Hardware& h) { h.current.law = CurrentKind::sinh; }),
      "products of cells of [current] are not known behind the lines of wires.topology = \"gated\"; leave "
      "out [current], or the resistances in [wires]");
  EXPECT_EQ(sentence([](Hardware& h) { h.tile.spare_rows = 2; }),
            "tile.spare_rows, spare_columns and remap = \"permute\" are not known behind the lines of "
            "wires.topology = \"gated\"; leave them out, or the resistances in [wires]");
  Hardware shorted = with_gates(0.0);
  shorted.wires.word_line = shorted.wires.bit_line = 1e9;
  std::get<Ideal::Params>(shorted.device).g_max = 1e-3f;
  shorted.tile.rows = 1000;
  TileArray long_one({}, shorted, {}, 1, 1000);
  EXPECT_EQ(
      message_of([&] { long_one.program({}, matrix(std::vector<float>(1000, 1.0f), 1)); }),
      "a cell of 1 mS in tile 0 conducts far more than lines of 2000000 MOhm from end to end; check the "
      "resistances in [wires], or use smaller tiles");
  TileArray array({}, with_gates(0.0), {}, kOutputs, kInputs);
  array.program({}, matrix(uniforms(kOutputs * kInputs, 1), kOutputs));
  std::vector<float> e(kOutputs), d(kInputs);
  EXPECT_EQ(message_of([&] {
              array.mvm_transposed({}, matrix(e, 1), {d.data(), 1, kInputs});
            }),
            "products from outputs to inputs need word lines that carry the currents of cells; with "
            "wires.topology = \"gated\" they only open transistors, so use \"input-source\"");
}

}  // namespace
}  // namespace mq
