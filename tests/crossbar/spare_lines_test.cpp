/// Tiles with spare lines, and lines that avoid stuck cells.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "arrays.h"
#include "meltquench/crossbar/inspection.h"
#include "meltquench/crossbar/wire_circuit.h"

namespace mq {
namespace {

const Exec kExec;
constexpr std::size_t kOutputs = 28, kInputs = 36;

Hardware with_spares(const char* preset, Remap remap, int spares, float stuck) {
  Hardware h = ideal_io(preset, 64, 64);
  h.tile.spare_rows = h.tile.spare_columns = spares;
  h.tile.remap = remap;
  h.faults.stuck_low = h.faults.stuck_high = 0.5f * stuck;
  return h;
}

TileArray programmed(const Hardware& h, const std::vector<float>& w, std::uint64_t seed = 1) {
  TileArray array(kExec, h, {.seed = seed}, kOutputs, kInputs);
  array.program(kExec, matrix(w, kOutputs), 1.0f);
  return array;
}

std::vector<float> weights() { return uniforms(kOutputs * kInputs, 1); }

double squared_distance(const std::vector<double>& a, const std::vector<float>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::pow(a[i] - b[i], 2);
  return sum;
}

/// Squared error of the weights that one chip reads back.
double error(Remap remap, int spares, float stuck, std::uint64_t seed, Hardware h = ideal_io("ideal")) {
  const Hardware faulty = with_spares("ideal", remap, spares, stuck);
  h.tile = faulty.tile;
  h.faults = faulty.faults;
  return squared_distance(programmed(h, weights(), seed).read_weights(kExec), weights());
}

TEST(SpareLines, WithAsManyAsThereAreBadLinesHoldWeightsWithoutError) {
  // Some three cells of a pair of arrays are stuck, on fewer lines than there are spare ones.
  const std::vector<double> good = programmed(ideal_io("ideal", 64, 64), weights()).read_weights(kExec);
  int moved = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    TileArray array = programmed(with_spares("ideal", Remap::replace, 12, 0.0015f), weights(), seed);
    EXPECT_EQ(array.read_weights(kExec), good) << seed;
    const LineMap& lines = array.tiles()[0].lines();
    moved += lines != LineMap::in_order(kOutputs, kInputs, 12, 12);
  }
  EXPECT_GE(moved, 5) << "there must be faults to avoid";
}

TEST(SpareLines, MakeTheErrorOfWeightsSmallerTheFreerTheyAre) {
  constexpr int kChips = 40;
  double replaced_less = 0.0, permuted_less = 0.0, replaced_squares = 0.0, permuted_squares = 0.0;
  for (std::uint64_t seed = 1; seed <= kChips; ++seed) {
    const double none = error(Remap::none, 3, 0.01f, seed), replaced = error(Remap::replace, 3, 0.01f, seed),
                 permuted = error(Remap::permute, 3, 0.01f, seed);
    ASSERT_GT(none, 0.0);
    EXPECT_LE(replaced, none * (1.0 + 1e-9));
    EXPECT_LE(permuted, replaced * (1.0 + 1e-9));
    replaced_less += replaced / none, replaced_squares += std::pow(replaced / none, 2);
    permuted_less += permuted / none, permuted_squares += std::pow(permuted / none, 2);
  }
  const auto five = [](double sum, double squares) {
    return 5.0 * std::sqrt((squares / kChips - std::pow(sum / kChips, 2)) / kChips);
  };
  RecordProperty("replaced", std::to_string(replaced_less / kChips));
  RecordProperty("permuted", std::to_string(permuted_less / kChips));
  // Of what some 20 stuck cells cost, six spare lines leave a sixth, and a permutation next to nothing.
  EXPECT_LT(replaced_less / kChips + five(replaced_less, replaced_squares), 0.35);
  EXPECT_LT(permuted_less / kChips + five(permuted_less, permuted_squares), 0.005);
}

TEST(SpareLines, OfEveryMappingMakeTheErrorSmaller) {
  std::vector<Hardware> kinds(7, ideal_io("ideal"));
  kinds[1].mapping = {.sides = PairSides::both};
  kinds[2].mapping = {.slices = 2, .slice_bits = 3};
  kinds[3].mapping = {.kind = MappingKind::offset};
  kinds[4].mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  kinds[5].programming.devices = 2;
  kinds[5].programming.significance = 4.0f;
  kinds[6].mapping = {.scale = WeightScale::column};
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const double none = error(Remap::none, 3, 0.01f, 3, kinds[k]),
                 replaced = error(Remap::replace, 3, 0.01f, 3, kinds[k]),
                 permuted = error(Remap::permute, 3, 0.01f, 3, kinds[k]);
    EXPECT_LT(replaced, 0.8 * none) << k;
    EXPECT_LT(permuted, replaced) << k;
  }
}

TEST(SpareLines, ThatAreNotUsedChangeNoBitOfCellsThatDoNotVary) {
  const std::vector<float> x = uniforms(5 * kInputs, 2);
  TileArray plain = programmed(ideal_io("ideal", 64, 64), weights()),
            spare = programmed(with_spares("ideal", Remap::replace, 3, 0.0f), weights());
  EXPECT_EQ(spare.read_weights(kExec), plain.read_weights(kExec));
  EXPECT_EQ(product(spare, kExec, x), product(plain, kExec, x));
}

TEST(SpareLines, PermutedWithoutFaultsAreThoseOfATileWithoutTheKey) {
  const std::vector<float> x = uniforms(5 * kInputs, 2);
  Hardware h = ideal_io("pcm-like", 64, 64);
  TileArray plain = programmed(h, weights());
  h.tile.remap = Remap::permute;
  TileArray permuted = programmed(h, weights());
  for (TileArray* array : {&plain, &permuted}) array->advance_to(kExec, kDay);
  EXPECT_EQ(permuted.read_weights(kExec), plain.read_weights(kExec));
  EXPECT_EQ(product(permuted, kExec, x), product(plain, kExec, x));
}

TEST(SpareLines, ProductsOfBothDirectionsAreThoseOfTheWeightsReadBack) {
  TileArray array = programmed(with_spares("pcm-like", Remap::permute, 4, 0.03f), weights());
  array.advance_to(kExec, kDay);
  const std::vector<double> w = array.read_weights(kExec);
  const std::vector<float> x = uniforms(5 * kInputs, 2), d = uniforms(5 * kOutputs, 3);
  const DoubleMatrix exact = exact_product(x, w, kInputs);
  EXPECT_LT(largest(as_matrix(product(array, kExec, x), kOutputs) - exact), 1e-5);
  std::vector<float> back(5 * kInputs);
  array.mvm_transposed(kExec, {d.data(), 5, kOutputs}, {back.data(), 5, kInputs});
  std::vector<double> transposed(w.size());
  for (std::size_t i = 0; i < w.size(); ++i) transposed[i % kInputs * kOutputs + i / kInputs] = w[i];
  EXPECT_LT(largest(as_matrix(back, kInputs) - exact_product(d, transposed, kOutputs)), 1e-5);
}

TEST(SpareLines, UpdatesMoveTheCellsOfTheirWeights) {
  Hardware h = with_spares("ideal", Remap::permute, 4, 0.02f);
  h.device = ConstantStep::Params{};
  const std::vector<float> zero(kOutputs * kInputs, 0.0f);
  TileArray array = programmed(h, zero);
  const LineMap& lines = array.tiles()[0].lines();
  ASSERT_NE(lines, LineMap::in_order(kOutputs, kInputs, 4, 4));
  const std::vector<double> before = array.read_weights(kExec);
  const std::vector<float> all = array.tiles()[0].array_conductances(kExec, Polarity::plus, array.now());
  // One output and some inputs: only their weights may move, upwards.
  std::vector<float> x(kInputs, 0.0f), d(kOutputs, 0.0f);
  d[11] = 1.0f;
  for (std::size_t j = 0; j < kInputs; j += 3) x[j] = 1.0f;
  array.update(kExec, {x.data(), 1, kInputs}, {d.data(), 1, kOutputs}, {.pulses = 20});
  const std::vector<double> after = array.read_weights(kExec);
  int moved = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const bool is_pulsed = i / kInputs == 11 && i % kInputs % 3 == 0;
    EXPECT_TRUE(is_pulsed ? after[i] >= before[i] : after[i] == before[i]) << i;
    moved += after[i] > before[i];
  }
  EXPECT_GE(moved, 10);
  const std::vector<float> later = array.tiles()[0].array_conductances(kExec, Polarity::plus, array.now());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(i / lines.word_lines == lines.outputs[11] || later[i] == all[i]) << i;
  }
}

/// Currents that the bit lines deliver, spare ones taking part, by the double-precision solver.
std::vector<double> circuit_currents(TileArray& array, Polarity side, const std::vector<float>& x) {
  Tile& tile = array.tiles()[0];
  const LineMap& lines = tile.lines();
  std::vector<float> cells = tile.array_conductances(kExec, Polarity::plus, array.now());
  const std::vector<float> minus = tile.array_conductances(kExec, Polarity::minus, array.now());
  if (tile.has_reference_column()) cells.insert(cells.end(), minus.begin(), minus.end());
  if (!tile.has_reference_column() && side == Polarity::minus) cells = minus;
  const std::vector<double> g(cells.begin(), cells.end());
  std::vector<double> volts(lines.word_lines), currents;
  for (std::size_t j = 0; j < kInputs; ++j) volts[lines.inputs[j]] = x[j];
  WireCircuit circuit(array.hardware().wires, {g.data(), g.size() / lines.word_lines, lines.word_lines});
  const std::vector<double> all = circuit.solve(volts).bit_current;
  for (const std::uint32_t line : lines.outputs) {
    const bool is_reference = tile.has_reference_column() && side == Polarity::minus;
    currents.push_back(all[is_reference ? lines.bit_lines : line]);
  }
  return currents;
}

TEST(SpareLines, TakePartInTheCircuitOfTheWires) {
  std::vector<MappingParams> kinds(2);
  kinds[1] = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  for (const MappingParams& kind : kinds) {
    Hardware h = with_spares("ideal", Remap::permute, 4, 0.05f);
    h.mapping = kind;
    h.wires.word_line = h.wires.bit_line = 20.0;
    const std::vector<float> x = uniforms(kInputs, 2);
    TileArray array = programmed(h, weights());
    ASSERT_NE(array.tiles()[0].lines(), LineMap::in_order(kOutputs, kInputs, 4, 4));
    const std::vector<float> y = product(array, kExec, x);
    const std::vector<double> plus = circuit_currents(array, Polarity::plus, x),
                              minus = circuit_currents(array, Polarity::minus, x), wide(x.begin(), x.end());
    const TileReading seen = inspect(array, kExec, 0, wide, 1.0);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      EXPECT_NEAR(y[o], (plus[o] - minus[o]) * array.mapping().weight_per_siemens(), 5e-5) << o;
      EXPECT_NEAR(seen.plus.currents[o] * seen.full_scale, plus[o], 1e-7 * std::abs(plus[o]) + 1e-15) << o;
    }
  }
}

TEST(SpareLines, LoadTheSeriesResistanceOfTheirBitLine) {
  Hardware h = with_spares("ideal", Remap::permute, 2, 0.3f);
  h.periphery.series_resistance = 1000.0;
  h.adc.range = 100.0;
  h.mapping = {.kind = MappingKind::offset};
  TileArray array = programmed(h, weights());
  const std::vector<float> x(kInputs, 0.0f);
  EXPECT_LT(largest(as_matrix(product(array, kExec, x), kOutputs)), 1e-6);
  const std::vector<float> one = uniforms(kInputs, 2);
  const std::vector<float> y = product(array, kExec, one);
  Tile& tile = array.tiles()[0];
  const LineMap& lines = tile.lines();
  const std::vector<float> g = tile.array_conductances(kExec, Polarity::plus, array.now());
  for (std::size_t o = 0; o < kOutputs; ++o) {
    double current = 0.0, load = 0.0, zero = 0.0;
    for (std::size_t q = 0; q < lines.word_lines; ++q) load += g[lines.outputs[o] * lines.word_lines + q];
    for (std::size_t j = 0; j < kInputs; ++j) current += double(g[lines.cell(o, j)]) * one[j], zero += one[j];
    const WeightMapping how = array.mapping();
    const double middle = how.target(0.0f, Polarity::plus);
    EXPECT_NEAR(y[o], (current * h.periphery.line_factor(load) - middle * zero) * how.weight_per_siemens(),
                1e-4)
        << o;
  }
}

TEST(SpareLines, AreChosenAnewForOtherWeightsAndKeptForSomeLines) {
  TileArray array = programmed(with_spares("pcm-like", Remap::permute, 3, 0.02f), weights());
  const LineMap first = array.tiles()[0].lines();
  const std::vector<float> other = uniforms(kOutputs * kInputs, 7);
  array.program_lines(kExec, matrix(other, kOutputs), 3, 5);
  EXPECT_EQ(array.tiles()[0].lines(), first);
  array.program(kExec, matrix(other, kOutputs), 1.0f);
  const LineMap second = array.tiles()[0].lines();
  EXPECT_NE(second, first);
  // What is no longer used was reset.
  const std::vector<float> g = array.tiles()[0].array_conductances(kExec, Polarity::plus, array.now());
  const std::set<std::uint32_t> used(second.outputs.begin(), second.outputs.end());
  double sum = 0.0, count = 0.0;
  for (const std::uint32_t line : first.outputs) {
    if (used.count(line) > 0) continue;
    for (const std::uint32_t word : first.inputs) sum += g[line * first.word_lines + word], ++count;
  }
  ASSERT_GT(count, 0.0);
  EXPECT_LT(sum / count, 0.1 * g_max(array.hardware().device));
}

TEST(SpareLines, AreWrittenOnlyWhereTheyAreUsed) {
  Hardware h = with_spares("pcm-like", Remap::replace, 3, 0.02f);
  h.faults.endurance = 1e9f;
  h.programming.method = ProgrammingMethod::write_verify;
  TileArray array = programmed(h, weights());
  EXPECT_EQ(array.programming_reports()[0].cells, std::int64_t(2 * kOutputs * kInputs));
  // Lines one after the other: no more time than 36 word lines of the slowest cell take.
  const double slowest = h.programming.iterations * (h.programming.pulse.width + h.programming.t_read) * 2.0;
  EXPECT_GT(array.programming_reports()[0].time, 0.0);
  EXPECT_LE(array.programming_reports()[0].time, slowest * kInputs);
}

TEST(SpareLines, AreKeptInAFileWithTheMapOfTheLines) {
  const Hardware h = with_spares("pcm-like", Remap::permute, 3, 0.02f);
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / ("spare_lines_" + std::to_string(::getpid()) + ".h5");
  TileArray array = programmed(h, weights());
  array.advance_to(kExec, kDay);
  H5Writer writer(file, "chip", 3);
  array.save(writer, "/layer");
  writer.commit();
  TileArray other(kExec, h, {.seed = 1}, kOutputs, kInputs);
  other.load(kExec, H5Reader(file, "chip", 3), "/layer");
  std::filesystem::remove(file);
  EXPECT_EQ(other.tiles()[0].lines(), array.tiles()[0].lines());
  for (TileArray* one : {&array, &other}) one->advance_to(kExec, kMonth);
  EXPECT_EQ(other.read_weights(kExec), array.read_weights(kExec));
}

TEST(SpareLines, OfADamagedFileAreRefused) {
  const Hardware h = with_spares("ideal", Remap::permute, 3, 0.02f);
  const std::size_t cells = (kOutputs + 3) * (kInputs + 3);
  for (const std::uint32_t wrong : {1u, 31u}) {
    const std::filesystem::path file =
        std::filesystem::path(testing::TempDir()) / ("damaged_lines_" + std::to_string(::getpid()) + ".h5");
    LineMap lines = LineMap::in_order(kOutputs, kInputs);
    lines.outputs[0] = wrong;
    H5Writer writer(file, "chip", 3);
    for (const char* side : {"/tile/plus", "/tile/minus"}) {
      const auto fields = static_cast<std::size_t>(cell_fields(h.device));
      writer.write(side, std::vector<float>(fields * cells), {fields, cells});
    }
    writer.write("/tile/bit_lines", lines.outputs);
    writer.write("/tile/word_lines", lines.inputs);
    writer.commit();
    Tile tile(kExec, h, {}, kOutputs, kInputs);
    const std::string message = message_of([&] { tile.load(H5Reader(file, "chip", 3), "/tile"); });
    std::filesystem::remove(file);
    EXPECT_EQ(message, "/tile/bit_lines: line " + std::to_string(wrong) +
                           (wrong == 31 ? " does not exist" : " is taken twice") + "; the file is damaged");
  }
}

TEST(SpareLines, ThatCannotBeAreRefused) {
  const auto message = [](TileParams tile) { return message_of([&] { check_fields(tile, "tile"); }); };
  EXPECT_EQ(message({.remap = Remap::replace}),
            "tile: remap = replace needs spare lines; set spare_rows or spare_columns");
  EXPECT_EQ(message({.rows = 65534, .spare_rows = 1}),
            "tile: rows and spare_rows must not exceed 65534 together");
  EXPECT_EQ(
      message({.columns = 2048, .spare_columns = 1, .remap = Remap::permute}),
      "tile: remap = permute takes tiles of up to 2048 lines a side, since its time grows with their third "
      "power; use smaller tiles");
  EXPECT_EQ(message({.spare_rows = 4, .remap = Remap::replace}), "no error");
}

}  // namespace
}  // namespace mq
