#include "meltquench/crossbar/inspection.h"

#include "arrays.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 6, kInputs = 10;
constexpr double kRead = 0.2;

Hardware hardware_with(double ohms) {
  Hardware hardware = ideal_io("ideal", int(kInputs), int(kOutputs));
  hardware.wires.word_line = hardware.wires.bit_line = ohms;
  return hardware;
}

/// An array of 2 x 2 tiles with random weights.
TileArray programmed(const Exec& exec, const Hardware& hardware) {
  TileArray array(exec, hardware, {.seed = 7}, 2 * kOutputs, 2 * kInputs);
  const std::vector<float> w = uniforms(4 * kOutputs * kInputs, 1);
  array.program(exec, matrix(w, 2 * kOutputs));
  return array;
}

std::vector<double> inputs(std::uint32_t stream) {
  const std::vector<float> x = uniforms(kInputs, stream);
  return {x.begin(), x.end()};
}

/// The largest difference between output currents and sums of cell currents, relative to the largest current.
double lost_current(const ArrayReading& reading) {
  double lost = 0.0, largest = 0.0;
  for (std::size_t o = 0; o < reading.outputs; ++o) {
    double sum = 0.0;
    for (std::size_t i = 0; i < kInputs; ++i) sum += reading.cell_currents[o * kInputs + i];
    lost = std::max(lost, std::abs(sum - reading.currents[o]));
    largest = std::max(largest, std::abs(reading.currents[o]));
  }
  return lost / largest;
}

/// y of one tile, from the currents of both sides.
double output(const TileArray& array, const TileReading& reading, std::size_t o) {
  return (reading.plus.currents[o] - reading.minus.currents[o]) * array.mapping().weight_per_siemens() *
         reading.full_scale / kRead;
}

TEST(Inspection, WithoutWiresLinesAreAtTheirTerminals) {
  const Exec exec;
  TileArray array = programmed(exec, hardware_with(0.0));
  const std::vector<double> x = inputs(2);
  const TileReading reading = inspect(array, exec, 3, x, kRead);
  const std::vector<float> g = array.tiles()[3].conductances(exec, Polarity::minus, array.now());
  EXPECT_EQ(reading.minus.outputs, kOutputs);
  for (std::size_t k = 0; k < g.size(); ++k) {
    EXPECT_EQ(reading.minus.conductances[k], g[k]);
    EXPECT_EQ(reading.minus.word[k], reading.volts[k % kInputs]);
    EXPECT_EQ(reading.minus.bit[k], 0.0);
    EXPECT_EQ(reading.minus.cell_currents[k], g[k] * reading.volts[k % kInputs]);
  }
  EXPECT_LT(lost_current(reading.minus), 1e-15);
}

TEST(Inspection, CurrentsAreWhatProductsGive) {
  for (const double ohms : {0.0, 20.0}) {
    const Exec exec;
    TileArray array = programmed(exec, hardware_with(ohms));
    const std::vector<double> x = inputs(2);
    // Only the inputs of tile 3, which holds the second half of the outputs, are not zero.
    std::vector<float> all(2 * kInputs);
    std::copy(x.begin(), x.end(), all.begin() + kInputs);
    const std::vector<float> y = product(array, exec, all);
    const TileReading reading = inspect(array, exec, 3, x, kRead);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      EXPECT_NEAR(output(array, reading, o), y[kOutputs + o], 1e-5) << ohms << " ohm, output " << o;
    }
  }
}

TEST(Inspection, WiresLoseVoltageButNoCurrent) {
  const Exec exec;
  TileArray ideal = programmed(exec, hardware_with(0.0)), real = programmed(exec, hardware_with(50.0));
  const std::vector<double> x(kInputs, 1.0);
  const TileReading without = inspect(ideal, exec, 0, x, kRead), with = inspect(real, exec, 0, x, kRead);
  EXPECT_LT(lost_current(with.plus), 1e-9);
  EXPECT_LT(lost_current(with.minus), 1e-9);
  for (std::size_t o = 0; o < kOutputs; ++o) {
    EXPECT_GT(with.plus.currents[o], 0.0);
    EXPECT_LT(with.plus.currents[o], without.plus.currents[o]);
  }
  for (std::size_t k = 0; k < with.plus.word.size(); ++k) {
    // Not less: a word line without a positive weight feeds no current.
    EXPECT_LE(with.plus.word[k], kRead);
    EXPECT_GT(with.plus.bit[k], 0.0);
  }
}

TEST(Inspection, DriversClipAtTheRangeOfTheDac) {
  const Exec exec;
  Hardware hardware = hardware_with(0.0);
  hardware.dac.bits = 8;
  hardware.dac.range = 2.0f;
  TileArray array = programmed(exec, hardware);
  std::vector<double> x(kInputs, 1.0);
  x[1] = -5.0;
  const TileReading reading = inspect(array, exec, 0, x, kRead);
  EXPECT_EQ(reading.full_scale, 2.0);
  EXPECT_DOUBLE_EQ(reading.volts[0], 0.5 * kRead);
  EXPECT_EQ(reading.volts[1], -kRead);
}

TEST(Inspection, SlicesAndPhasesAddUpToTheProduct) {
  // 6-bit inputs in digits of 2 bits, both signs apart, on weights of 2 slices; ideal wires and real ones.
  for (const double ohms : {0.0, 20.0}) {
    const Exec exec;
    Hardware hardware = hardware_with(ohms);
    hardware.dac = {.bits = 6, .range = 1.0, .digit_bits = 2, .splits_sign = true};
    hardware.mapping.slices = 2;
    hardware.mapping.slice_bits = 3;
    TileArray array = programmed(exec, hardware);
    const std::vector<double> x = inputs(2);
    std::vector<float> all(2 * kInputs);
    std::copy(x.begin(), x.end(), all.begin() + kInputs);
    const std::vector<float> y = product(array, exec, all);
    std::vector<double> sum(kOutputs);
    for (int slice = 0; slice < 2; ++slice) {
      for (std::uint32_t phase = 0; phase < 6; ++phase) {
        const TileReading reading = inspect(array, exec, 3, x, kRead, {.slice = slice, .phase = phase});
        EXPECT_EQ(reading.full_scale < 0.0, phase % 2 == 1);
        for (const double v : reading.volts) EXPECT_TRUE(v >= 0.0 && v <= kRead);
        for (std::size_t o = 0; o < kOutputs; ++o) {
          sum[o] += (reading.plus.currents[o] - reading.minus.currents[o]) *
                    array.mapping().weight_per_siemens(slice) * reading.full_scale / kRead;
        }
      }
    }
    for (std::size_t o = 0; o < kOutputs; ++o) {
      EXPECT_NEAR(sum[o], y[kOutputs + o], 1e-4) << ohms << " ohm, output " << o;
    }
  }
}

TEST(Inspection, SeveralDevicesAreShownAsTheirSum) {
  const Exec exec;
  Hardware hardware = hardware_with(0.0);
  hardware.programming.devices = 2;
  TileArray array = programmed(exec, hardware);
  const std::vector<double> x = inputs(2);
  std::vector<float> all(2 * kInputs);
  std::copy(x.begin(), x.end(), all.begin() + kInputs);
  const std::vector<float> y = product(array, exec, all);
  const TileReading reading = inspect(array, exec, 3, x, kRead);
  for (std::size_t o = 0; o < kOutputs; ++o) EXPECT_NEAR(output(array, reading, o), y[kOutputs + o], 1e-5);
}

TEST(Inspection, APhaseOfWholeInputsDrivesTheirCodes) {
  const Exec exec;
  Hardware hardware = hardware_with(0.0);
  hardware.dac = {.bits = 3, .range = 1.0};
  TileArray array = programmed(exec, hardware);
  std::vector<double> x(kInputs);
  x[0] = 0.5, x[1] = -2.0, x[2] = 0.3;
  const TileReading reading = inspect(array, exec, 0, x, kRead, {.phase = 0});
  EXPECT_DOUBLE_EQ(reading.volts[0], kRead * 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(reading.volts[1], -kRead);
  EXPECT_DOUBLE_EQ(reading.volts[2], kRead / 3.0);
  EXPECT_DOUBLE_EQ(reading.full_scale, 1.0);
}

TEST(Inspection, InputsOfZeroDriveNothing) {
  const Exec exec;
  for (const double ohms : {0.0, 20.0}) {
    TileArray array = programmed(exec, hardware_with(ohms));
    const TileReading reading = inspect(array, exec, 0, std::vector<double>(kInputs), kRead);
    for (const double current : reading.plus.currents) EXPECT_EQ(current, 0.0);
  }
}

TEST(Inspection, AnOffsetArrayHasNoMinusSide) {
  const Exec exec;
  Hardware hardware = hardware_with(20.0);
  hardware.mapping.kind = MappingKind::offset;
  TileArray array = programmed(exec, hardware);
  const TileReading reading = inspect(array, exec, 0, inputs(2), kRead);
  EXPECT_EQ(reading.plus.outputs, kOutputs);
  EXPECT_EQ(reading.minus.outputs, 0u);
  EXPECT_TRUE(reading.minus.currents.empty());
}

TEST(Inspection, RefusesWhatItCannotShow) {
  const Exec exec;
  TileArray empty(exec, hardware_with(0.0), {.seed = 7}, kOutputs, kInputs);
  EXPECT_THROW(inspect(empty, exec, 0, inputs(2), kRead), StateError);
  TileArray array = programmed(exec, hardware_with(0.0));
  EXPECT_EQ(message_of([&] { inspect(array, exec, 4, inputs(2), kRead); }),
            "there is no tile 4; the array has tiles 0 to 3");
  EXPECT_EQ(message_of([&] { inspect(array, exec, 0, std::vector<double>(3), kRead); }),
            "x has 3 values, but tile 0 has 10 inputs; give one value for each");
  EXPECT_THROW(inspect(array, exec, 0, std::vector<double>(kInputs, NAN), kRead), ConfigError);
  EXPECT_THROW(inspect(array, exec, 0, inputs(2), 0.0), ConfigError);
  EXPECT_EQ(message_of([&] { inspect(array, exec, 0, inputs(2), kRead, {.slice = 1}); }),
            "there is no slice 1; weights have slices 0 to 0 (mapping.slices)");
  EXPECT_THROW(inspect(array, exec, 0, inputs(2), kRead, {.phase = 0}), ConfigError) << "an ideal DAC";
  Hardware coded = hardware_with(0.0);
  coded.dac = {.bits = 4, .range = 1.0};
  TileArray codes = programmed(exec, coded);
  EXPECT_EQ(message_of([&] { inspect(codes, exec, 0, inputs(2), kRead, {.phase = 1}); }),
            "there is no read phase 1; inputs have phases 0 to 0 (dac.digit_bits, dac.splits_sign)");
  Hardware several = hardware_with(20.0);
  several.programming.devices = 2;
  TileArray doubled = programmed(exec, several);
  EXPECT_THROW(inspect(doubled, exec, 0, inputs(2), kRead), ConfigError);
}

}  // namespace
}  // namespace mq
