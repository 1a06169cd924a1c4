#include <unistd.h>

#include <filesystem>

#include "array_life.h"
#include "meltquench/crossbar/code_histograms.h"

namespace mq {
namespace {

void compare_lives(const Hardware& hardware, const std::string& what) {
  const ArrayLife cpu = live(kCpu, hardware), cuda = live(kCuda, hardware);
  for (std::size_t i = 0; i < cpu.outputs.size(); ++i) {
    expect_same_bits(cpu.outputs[i], cuda.outputs[i], what + ", product " + std::to_string(i));
  }
  expect_same_bits(cpu.compensation, cuda.compensation, what + ", compensation");
  expect_same_bits(cpu.weights, cuda.weights, what + ", weights");
  EXPECT_EQ(cpu.counters, cuda.counters) << what;
  EXPECT_GT(cuda.counters.mvms, 0) << what;
}

TEST_F(OnCuda, AnArrayOfEveryPresetLivesAsOnTheCpu) {
  for (const Preset& preset : presets()) {
    compare_lives(small_tiles(device_from_preset(preset.name)), std::string(preset.name));
  }
}

TEST_F(OnCuda, AnArrayWithoutConvertersLivesAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.dac.bits = 0;
  compare_lives(hardware, "no DAC");
  hardware.adc.bits = 0;
  compare_lives(hardware, "no converters");
  hardware.dac.bits = 12;
  compare_lives(hardware, "12-bit DAC, no ADC");
}

TEST_F(OnCuda, AnArrayCountsItsClippedConversionsAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("ideal"));
  hardware.adc.range = 0.3;
  compare_lives(hardware, "narrow ADC");
  EXPECT_GT(live(kCuda, hardware).counters.adc_clips, 0);
}

TEST_F(OnCuda, AnArrayCountsTheSameCodesAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.dac.digit_bits = 4;
  hardware.mapping.subtraction = Subtraction::digital;
  hardware.adc.range = 0.1;
  const auto count = [&](const Exec& exec, std::vector<float>& host) {
    TileArray array = programmed_array(exec, hardware);
    const Buffer<float> x = on_backend(exec, uniform_floats(kBatch * kInputs, -1.1f, 1.1f, 9));
    Buffer<float> y(exec, kBatch * kOutputs);
    std::vector<CodeHistogram> histograms =
        code_histograms(array, exec, x.as_matrix(kBatch, kInputs), y.as_matrix(kBatch, kOutputs));
    host = on_host(y);
    return histograms;
  };
  std::vector<float> cpu_y, cuda_y;
  const std::vector<CodeHistogram> cpu = count(kCpu, cpu_y), cuda = count(kCuda, cuda_y);
  ASSERT_EQ(cpu.size(), cuda.size());
  std::int64_t clipped = 0;
  for (std::size_t i = 0; i < cpu.size(); ++i) {
    expect_same_bits(cpu[i].counts, cuda[i].counts, "codes, conversion " + std::to_string(i));
    EXPECT_EQ(cpu[i].clipped, cuda[i].clipped) << "conversion " << i;
    clipped += cuda[i].clipped;
  }
  EXPECT_GT(clipped, 0);
  expect_same_bits(cpu_y, cuda_y, "product");
  TileArray uncounted = programmed_array(kCuda, hardware);
  expect_same_bits(cuda_y, multiply(kCuda, uncounted, {}), "product without counting");
}

TEST_F(OnCuda, ArraysOfEveryMappingLiveAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.mapping.subtraction = Subtraction::digital;
  compare_lives(hardware, "digital subtraction");
  hardware.mapping = {.scale = WeightScale::column, .slices = 2, .slice_bits = 3};
  compare_lives(hardware, "slices");
  hardware.mapping = {.kind = MappingKind::offset};
  compare_lives(hardware, "offset");
  hardware.mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  hardware.programming.devices = 2;
  hardware.programming.significance = 4.0f;
  compare_lives(hardware, "reference column, two devices");
}

TEST_F(OnCuda, ArraysWithSpareLinesLiveAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.tile.spare_rows = hardware.tile.spare_columns = 3;
  hardware.tile.remap = Remap::permute;
  hardware.tile.read_noise_law = ReadNoiseLaw::proportional;
  hardware.faults.stuck_random = 0.02f;
  compare_lives(hardware, "permuted");
  hardware.tile.remap = Remap::replace;
  hardware.wires.word_line = 2.0;
  hardware.mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  compare_lives(hardware, "replaced, with wires and a reference column");
}

/// Weights after two updates by pulses.
std::vector<double> learned(const Exec& exec, const Hardware& hardware) {
  TileArray array = programmed_array(exec, hardware);
  const Buffer<float> x = on_backend(exec, uniform_floats(kBatch * kInputs, -1.0f, 1.0f, 12)),
                      d = on_backend(exec, uniform_floats(kBatch * kOutputs, -1.0f, 1.0f, 13));
  for (std::uint32_t n = 0; n < 2; ++n) {
    array.update(exec, x.as_matrix(kBatch, kInputs), d.as_matrix(kBatch, kOutputs),
                 {.x_gain = 0.5f, .d_gain = 0.5f, .event = n});
  }
  return array.read_weights(exec);
}

TEST_F(OnCuda, ArraysWithSpareLinesLearnAsOnTheCpu) {
  Hardware hardware = small_tiles(ConstantStep::Params{});
  hardware.tile.spare_rows = hardware.tile.spare_columns = 3;
  hardware.tile.remap = Remap::permute;
  hardware.faults.stuck_random = 0.02f;
  const std::vector<double> cpu = learned(kCpu, hardware);
  expect_same_bits(cpu, learned(kCuda, hardware), "weights");
  EXPECT_NE(cpu, programmed_array(kCpu, hardware).read_weights(kCpu));
}

TEST_F(OnCuda, ArraysWithErrorsInThePeripheryLiveAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.dac.digit_bits = 2;
  hardware.dac.input_noise = 0.01f;
  hardware.adc.kind = AdcKind::sar;
  hardware.adc.mismatch = 0.02f;
  hardware.periphery.s_shape = 0.1f;
  hardware.periphery.series_resistance = 100.0;
  compare_lives(hardware, "digits, noisy drivers, SAR");
  hardware.dac.digit_bits = 0;
  hardware.dac.range = {};
  hardware.dac.scaling = InputScaling::absmax;
  hardware.adc.range = 0.5;
  hardware.adc.bound_management = BoundManagement::iterative;
  compare_lives(hardware, "scaled inputs, bound management");
  hardware.dac.scaling = InputScaling::average;
  hardware.adc.noise = 0.5f;
  compare_lives(hardware, "running average, noise of conversions");
}

TEST_F(OnCuda, ArraysWithEveryLawOfReadNoiseAndWiresLiveAsOnTheCpu) {
  for (const ReadNoiseLaw law :
       {ReadNoiseLaw::constant, ReadNoiseLaw::proportional, ReadNoiseLaw::device, ReadNoiseLaw::nanosecond}) {
    Hardware hardware = small_tiles(device_from_preset("pcm-like"));
    hardware.tile.read_noise_law = law;
    if (hardware.tile.has_own_size()) hardware.tile.read_noise = 0.0f;
    if (law == ReadNoiseLaw::nanosecond) hardware.dac.digit_bits = 3;
    hardware.wires.word_line = hardware.wires.bit_line = law == ReadNoiseLaw::device ? 0.0 : 2.0;
    compare_lives(hardware, std::string(names(law)[static_cast<std::size_t>(law)]));
  }
}

TEST_F(OnCuda, ArraysWhoseInputsOpenTransistorsLiveAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.wires = {.topology = WireTopology::gated, .word_line = 2.0, .bit_line = 1.0, .sense = 10.0};
  hardware.dac.bits = 4, hardware.dac.digit_bits = 1;
  compare_lives(hardware, "gated");
  hardware.mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  hardware.dac.accumulation = Accumulation::analog;
  hardware.wires.drive = WireDrive::double_sided, hardware.wires.sense_side = SenseSide::both;
  compare_lives(hardware, "gated, of four terminals");
}

TEST_F(OnCuda, ArraysOfNonlinearCellsLiveAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.current = {.law = CurrentKind::polynomial, .negative_factor = 0.9};
  compare_lives(hardware, "polynomial");
  hardware.mapping = {.kind = MappingKind::offset};
  hardware.dac.input_noise = 0.02f;
  compare_lives(hardware, "polynomial, offset array, noisy drivers");
  hardware.dac.input_noise = 0.0f;
  hardware.dac.bits = 0;
  compare_lives(hardware, "polynomial, no DAC");
  EXPECT_GT(live(kCuda, hardware).counters.dac_clips, 0);
  hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.current.law = CurrentKind::sinh;
  hardware.dac.digit_bits = 2;
  hardware.wires.word_line = hardware.wires.bit_line = 2.0;
  hardware.current.wires = NonlinearWires::linearised;
  compare_lives(hardware, "sinh, linearised wires");
}

TEST_F(OnCuda, AnArraySolvesTheCircuitsOfNonlinearCellsAsOnTheCpu) {
  Hardware hardware = small_tiles(device_from_preset("pcm-like"));
  hardware.current.law = CurrentKind::sinh;
  hardware.wires.word_line = hardware.wires.bit_line = 2.0;
  TileArray cpu(kCpu, hardware, {.seed = 4}, 6, 9), cuda(kCuda, hardware, {.seed = 4}, 6, 9);
  const std::vector<float> w = uniform_floats(6 * 9, -0.5f, 0.5f, 10),
                           x = uniform_floats(2 * 9, -1.0f, 1.0f, 9);
  const auto multiply_by = [&](const Exec& exec, TileArray& array) {
    array.program(exec, {w.data(), 6, 9});
    const Buffer<float> from = on_backend(exec, x);
    Buffer<float> y(exec, 2 * 6);
    array.mvm(exec, from.as_matrix(2, 9), y.as_matrix(2, 6));
    return on_host(y);
  };
  expect_same_bits(multiply_by(kCpu, cpu), multiply_by(kCuda, cuda), "Newton");
}

TEST_F(OnCuda, AnArraySavedByOneBackendGoesOnLivingOnTheOther) {
  const Hardware hardware = small_tiles(device_from_preset("hermes-1"));
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / ("array_from_cuda_" + std::to_string(::getpid()) + ".h5");
  TileArray cuda = programmed_array(kCuda, hardware);
  cuda.advance_to(kCuda, 86400.0);
  H5Writer writer(file, "chip", 1);
  cuda.save(writer, "/layer");
  writer.commit();

  TileArray cpu(kCpu, hardware, {.seed = 4, .layer = 1, .chip = 3}, kOutputs, kInputs);
  cpu.load(kCpu, H5Reader(file, "chip", 1), "/layer");
  std::filesystem::remove(file);
  expect_same_bits(multiply(kCpu, cpu, {}), multiply(kCuda, cuda, {}), "products after loading");
}

TEST_F(OnCuda, AnArrayRefusesTheOtherBackend) {
  TileArray array = programmed_array(kCuda, small_tiles(device_from_preset("ideal")));
  try {
    multiply(kCpu, array, {});
    FAIL() << "an array on CUDA multiplied on the CPU";
  } catch (const StateError& error) {
    EXPECT_STREQ(error.what(), "this array lives on the backend cuda, not on cpu; make a new one there");
  }
}

}  // namespace
}  // namespace mq
