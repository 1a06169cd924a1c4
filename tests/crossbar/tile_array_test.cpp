#include "meltquench/crossbar/tile_array.h"

#include "arrays.h"

namespace mq {
namespace {

const Exec kExec;

TEST(TileArray, CountsExactlyWhatItDoes) {
  // 5 x 7 weights on tiles of 4 word lines and 3 bit-line pairs: 2 x 2 tiles.
  Hardware h = ideal_io("ideal", 4, 3);
  h.dac = {.bits = 4, .range = 1.0};  // codes up to 7
  h.adc = {.bits = 4, .range = 0.75};
  TileArray array(kExec, h, {}, 5, 7);
  EXPECT_EQ(array.counters(), Counters{});
  const std::vector<float> w(35, 1.0f);
  array.program(kExec, matrix(w, 5));
  EXPECT_EQ(array.counters(), Counters{.pulses = 70});

  // Row 0: one input of 1 and one beyond the range; row 1: nothing; row 2: half of the range everywhere.
  std::vector<float> x(21, 0.0f);
  x[0] = 1.0f, x[6] = -1.5f;
  for (std::size_t j = 14; j < 21; ++j) x[j] = 0.5f;  // code 3.5 -> 4
  product(array, kExec, x);
  const Counters c = array.counters();
  EXPECT_EQ(c.mvms, 3 * 4);
  EXPECT_EQ(c.dac_conversions, 3 * 7 * 2);  // both rows of tiles have DACs
  EXPECT_EQ(c.dac_clips, 1 * 2);
  EXPECT_EQ(c.sum_of_codes, (7 + 7 + 7 * 4) * 2);
  EXPECT_EQ(c.adc_conversions, 3 * 5 * 2);  // both columns of tiles have ADCs
  EXPECT_EQ(c.adc_clips, 5 * 2 + 5 * 2);    // row 0: +-1, row 2: 16/7 and 12/7, all beyond 0.75
  EXPECT_EQ(c.verify_steps, 0);
  Counters twice = c;
  twice += c;
  product(array, kExec, x);
  twice.pulses = 70;
  EXPECT_EQ(array.counters(), twice);
}

TEST(TileArray, CountersSurviveAValueAndMissingOnesAreNamed) {
  const Counters counters{.mvms = 1,
                          .dac_conversions = 2,
                          .dac_clips = 3,
                          .sum_of_codes = 4,
                          .adc_conversions = 5,
                          .adc_clips = 6,
                          .pulses = 7,
                          .verify_steps = 8,
                          .unconverged = 9,
                          .programming_fj = 10,
                          .programming_ns = 11};
  Value table = to_value(counters);
  EXPECT_EQ(counters_from_value(table), counters);
  table.erase_key("pulses");
  EXPECT_EQ(message_of([&] { counters_from_value(table); }),
            "the counter 'pulses' is missing; the file is damaged or from another version");
}

TEST(TileArray, HasTheSameBitsForAnyThreadCountAndBatchSplit) {
  Hardware h = ideal_io("hermes-2", 32, 24);
  h.dac = {.bits = 8, .range = 1.0};
  h.adc = {.bits = 8, .range = 8.0};
  h.tile.output_noise = 0.04f;
  h.tile.read_noise = 0.02f;
  const std::vector<float> w = uniforms(50 * 70, 1), x = uniforms(40 * 70, 2);
  std::vector<float> expected;
  for (const int threads : {1, 2, 3}) {
    const Exec exec{.threads = threads};
    TileArray array(exec, h, {.seed = 5, .layer = 1, .chip = 2}, 50, 70);
    array.program(exec, matrix(w, 50));
    array.advance_to(exec, kDay);
    array.compensate_drift(DriftCompensation::global);
    const std::vector<float> y = product(array, exec, x, {.first_row = 100, .call = 3});
    if (expected.empty()) expected = y;
    EXPECT_EQ(y, expected) << threads;
    std::vector<float> one_by_one;
    for (std::size_t row = 0; row < 40; ++row) {
      const std::vector<float> single(x.begin() + static_cast<std::ptrdiff_t>(row) * 70,
                                      x.begin() + static_cast<std::ptrdiff_t>(row + 1) * 70);
      const std::vector<float> part = product(array, exec, single, {.first_row = 100 + row, .call = 3});
      one_by_one.insert(one_by_one.end(), part.begin(), part.end());
    }
    EXPECT_EQ(one_by_one, expected) << threads;
    EXPECT_NE(product(array, exec, x, {.first_row = 100, .call = 4}), expected)
        << "another call has noise of its own";
  }
}

TEST(TileArray, ProgrammingAgainWritesNewCells) {
  TileArray array(kExec, ideal_io("pcm-like"), {.seed = 5}, 20, 30);
  const std::vector<float> w = uniforms(600, 1);
  array.program(kExec, matrix(w, 20));
  const std::vector<double> first = array.read_weights(kExec);
  array.advance_to(kExec, kDay);
  array.program(kExec, matrix(w, 20));
  EXPECT_EQ(array.time(), 0.0);
  EXPECT_NE(array.read_weights(kExec), first) << "programming noise is drawn for each write";
}

TEST(TileArray, LookingTwiceAtOneMomentShowsTheSame) {
  TileArray array(kExec, ideal_io("hermes-1"), {.seed = 5}, 20, 30);
  array.program(kExec, matrix(uniforms(600, 1), 20));
  array.advance_to(kExec, kHour);
  const std::vector<double> once = array.read_weights(kExec);
  EXPECT_EQ(array.read_weights(kExec), once);
  const std::vector<float> unit = [] {
    std::vector<float> x(30 * 30, 0.0f);
    for (std::size_t j = 0; j < 30; ++j) x[j * 30 + j] = 1.0f;
    return x;
  }();
  const std::vector<float> y = product(array, kExec, unit);
  for (std::size_t o = 0; o < 20; ++o) {
    for (std::size_t j = 0; j < 30; ++j) EXPECT_NEAR(y[j * 20 + o], once[o * 30 + j], 1e-6);
  }
}

TEST(TileArray, AZeroMatrixGivesZeros) {
  TileArray array(kExec, ideal_io("ideal"), {}, 3, 4);
  array.program(kExec, matrix(std::vector<float>(12, 0.0f), 3));
  for (const float y : product(array, kExec, std::vector<float>(8, 1.0f))) EXPECT_EQ(y, 0.0f);
}

TEST(TileArray, ACallTooEarlySaysWhatToCall) {
  TileArray array(kExec, ideal_io("pcm-like"), {}, 3, 4);
  const std::vector<float> x(4, 1.0f);
  EXPECT_EQ(message_of([&] { product(array, kExec, x); }),
            "this array was never programmed: its cells hold no weights; call program() first");
  EXPECT_EQ(message_of([&] { array.advance_to(kExec, 1.0); }),
            "this array was never programmed, so it cannot age; call program() first");
  EXPECT_EQ(message_of([&] { array.compensate_drift(DriftCompensation::global); }),
            "this array was never programmed, so nothing drifted; call program() first");
  EXPECT_EQ(message_of([&] { array.read_weights(kExec); }),
            "this array was never programmed, so there is nothing to read; call program() first");
}

TEST(TileArray, ConvertersWithoutARangeAreRefused) {
  Hardware h = ideal_io("ideal");
  const std::vector<float> w(12, 1.0f), x(4, 1.0f);
  h.dac.bits = 8;
  TileArray dac(kExec, h, {}, 3, 4);
  dac.program(kExec, matrix(w, 3));
  EXPECT_EQ(message_of([&] { product(dac, kExec, x); }),
            "the DAC has 8 bits but no range; set dac.range, calibrate with typical inputs, or set "
            "dac.bits = 0");
  h.dac.bits = 0;
  h.adc.bits = 6;
  TileArray adc(kExec, h, {}, 3, 4);
  adc.program(kExec, matrix(w, 3));
  EXPECT_EQ(message_of([&] { product(adc, kExec, x); }),
            "the ADC has 6 bits but no range; set adc.range, calibrate with typical inputs, or set "
            "adc.bits = 0");
  adc.set_ranges({1.0f, {4.0f}});
  EXPECT_EQ(product(adc, kExec, x)[0], 4.0f);
}

TEST(TileArray, WrongShapesAreNamed) {
  TileArray array(kExec, ideal_io("ideal"), {}, 3, 4);
  const std::vector<float> w(12, 1.0f);
  EXPECT_EQ(message_of([&] { array.program(kExec, matrix(w, 4)); }),
            "the array holds weights of shape [3, 4] [out, in] but got [4, 3]");
  array.program(kExec, matrix(w, 3));
  std::vector<float> x(10), y(6);
  EXPECT_EQ(message_of([&] {
              array.mvm(kExec, MatrixView<const float>(x.data(), 2, 5), MatrixView<float>(y.data(), 2, 3));
            }),
            "the array maps x[batch, 4] to y[batch, 3] but got x[2, 5] and y[2, 3]");
  EXPECT_EQ(message_of([&] {
              array.mvm(kExec, MatrixView<const float>(x.data(), 2, 4), MatrixView<float>(y.data(), 1, 3));
            }),
            "the array maps x[batch, 4] to y[batch, 3] but got x[2, 4] and y[1, 3]");
  EXPECT_EQ(message_of([&] {
              array.set_ranges({1.0f, {1.0f, 2.0f}});
            }),
            "the layer has 1 tiles with 1 conversions in all but got 2 ADC ranges; calibrate with the same "
            "hardware");
  EXPECT_EQ(message_of([] { TileArray(kExec, ideal_io("ideal"), {}, 0, 4); }),
            "a weight matrix of shape [0, 4] has no weights");
  EXPECT_EQ(message_of([] { TileArray(kExec, ideal_io("ideal", 1, 1), {}, 300, 300); }),
            "a matrix of shape [300, 300] needs more than 65536 tiles of 1 x 1; use larger tiles (tile.rows, "
            "tile.columns)");
}

TEST(TileArray, AWeightThatIsNotFiniteIsRefusedAndNothingIsWritten) {
  TileArray array(kExec, ideal_io("pcm-like"), {}, 3, 4);
  std::vector<float> w(12, 1.0f);
  w[6] = NAN;
  EXPECT_EQ(message_of([&] { array.program(kExec, matrix(w, 3)); }),
            "the weight [1, 2] is not finite; a conductance cannot hold it");
  EXPECT_FALSE(array.is_programmed());
  EXPECT_EQ(array.counters(), Counters{});
}

TEST(TileArray, TheClockCannotGoBack) {
  TileArray array(kExec, ideal_io("pcm-like"), {}, 3, 4);
  array.program(kExec, matrix(std::vector<float>(12, 1.0f), 3));
  array.advance_to(kExec, kHour);
  array.advance_to(kExec, kHour);
  EXPECT_EQ(message_of([&] { array.advance_to(kExec, 60.0); }),
            "cannot move the clock from 1 h to 1 min; times count from the reference read and only grow");
  EXPECT_EQ(
      message_of([&] { array.advance_to(kExec, NAN); }),
      "cannot move the clock from 1 h to no finite time; times count from the reference read and only grow");
  EXPECT_EQ(
      message_of([&] { array.advance_to(kExec, INFINITY); }),
      "cannot move the clock from 1 h to no finite time; times count from the reference read and only grow");
  EXPECT_EQ(array.time(), kHour);
}

TEST(TileArray, BackendsAreNotMixed) {
  TileArray array(kExec, ideal_io("ideal"), {}, 3, 4);
  array.program(kExec, matrix(std::vector<float>(12, 1.0f), 3));
  EXPECT_EQ(message_of([&] { product(array, Exec{.backend = Backend::reference}, std::vector<float>(4)); }),
            "this array lives on the backend cpu, not on reference; make a new one there");
  EXPECT_EQ(message_of([&] { product(array, kExec, std::vector<double>(4)); }),
            "products in double precision need the backend reference and an ideal DAC (dac.bits = 0)");
}

}  // namespace
}  // namespace mq
