/// Cells keep history: when they were programmed, how their noise went on, how warm it was.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 24, kInputs = 40;
const std::vector<float> kOnes(kOutputs* kInputs, 1.0f);
const MatrixView<const float> kWeights{kOnes.data(), kOutputs, kInputs};

/// Phase-change memory whose cells differ in nothing but their history.
Hardware drifting() {
  Pcm::Params device;
  device.prog_noise_scale = device.nu_sigma_scale = device.read_noise_scale = 0.0f;
  Hardware hardware;
  hardware.device = device;
  hardware.tile.rows = 16;
  hardware.tile.columns = 16;
  hardware.dac.bits = hardware.adc.bits = 0;
  return hardware;
}

double decay(double age) { return std::pow((age + 20.0) / 20.0, -0.049); }

TEST(History, LinesThatAreWrittenOneAfterTheOtherAreOlder) {
  Hardware hardware = drifting();
  hardware.tile.write_time = 2.0;
  TileArray array({}, hardware, {.seed = 1}, kOutputs, kInputs);
  array.program({}, kWeights);
  for (const double time : {0.0, 100.0, 86400.0}) {
    array.advance_to({}, time);
    const std::vector<double> w = array.read_weights({});
    for (std::size_t j = 0; j < kInputs; ++j) {
      const std::size_t lines = std::min<std::size_t>(16, kInputs - j / 16 * 16);
      const double age = time + 2.0 * double(lines - 1 - j % 16);
      EXPECT_NEAR(w[3 * kInputs + j], decay(age), 1e-5) << j << ", " << time;
    }
  }
}

TEST(History, AnArrayCanBeWrittenPieceByPiece) {
  TileArray array({}, drifting(), {.seed = 1}, kOutputs, kInputs);
  array.program_lines({}, kWeights, 0, 10);
  array.advance_to({}, 3600.0);
  array.program_lines({}, kWeights, 10, 20);  // crosses the border between two tiles
  array.advance_to({}, 10'000.0);
  array.program_lines({}, kWeights, 30, 10);
  array.advance_to({}, 20'000.0);
  const std::vector<double> w = array.read_weights({});
  for (std::size_t j = 0; j < kInputs; ++j) {
    const double written = j < 10 ? 0.0 : j < 30 ? 3600.0 : 10'000.0;
    EXPECT_NEAR(w[5 * kInputs + j], decay(20'000.0 - written), 1e-5) << j;
  }
  EXPECT_EQ(array.counters().pulses, 2 * std::int64_t(kOutputs * kInputs));
}

TEST(History, RewritingOneLineLeavesTheOthersAlone) {
  Hardware hardware = drifting();
  hardware.device = device_from_preset("pcm-like");
  std::get<Pcm::Params>(hardware.device).read_noise_scale = 0.0f;
  TileArray array({}, hardware, {.seed = 1}, kOutputs, kInputs);
  array.program({}, kWeights);
  array.advance_to({}, 1000.0);
  const std::vector<double> before = array.read_weights({});
  array.program_lines({}, kWeights, 17, 1);
  const std::vector<double> after = array.read_weights({});
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (i % kInputs == 17) {
      EXPECT_NE(after[i], before[i]);
    } else {
      EXPECT_NEAR(after[i], before[i], 1e-6);
    }
  }
}

TEST(History, MistakesAreSentences) {
  TileArray array({}, drifting(), {.seed = 1}, kOutputs, kInputs);
  EXPECT_THROW(array.program_lines({}, kWeights, 35, 6), ShapeError);
  array.program_lines({}, kWeights, 0, 4, 1.5f);
  const std::vector<float> twos(kOutputs * kInputs, 2.0f);
  EXPECT_THROW(array.program_lines({}, {twos.data(), kOutputs, kInputs}, 0, 4), ConfigError);
}

TEST(History, DriftRunsFasterInAnOven) {
  Hardware hardware = drifting();
  auto& device = std::get<Pcm::Params>(hardware.device);
  device.drift_activation = 0.4f;
  device.activation = {};  // the conductance itself does not change
  hardware.temperature.profile = {2, {1000.0f, 1001.0f}, {300.0f, 358.0f}};
  TileArray array({}, hardware, {.seed = 1}, kOutputs, kInputs);
  array.program({}, kWeights);
  array.advance_to({}, 1000.0);
  EXPECT_NEAR(array.read_weights({})[0], decay(1000.0), 1e-5);
  array.advance_to({}, 5000.0);
  array.advance_to({}, 11'001.0);
  const double speed = std::exp(-0.4 * inverse_heat(358.0, 300.0));
  const double aged = effective_seconds(hardware.temperature, 0.4, 300.0, 0.0, 11'001.0);
  EXPECT_NEAR(aged, 1000.0 + 10'000.0 * speed, 0.01 * aged);
  EXPECT_NEAR(array.read_weights({})[0], decay(aged), 1e-5);
}

TEST(History, WarmCellsConductMore) {
  Hardware hardware = drifting();
  hardware.temperature.profile = {2, {10.0f, 11.0f}, {300.0f, 340.0f}};
  auto& device = std::get<Pcm::Params>(hardware.device);
  device.nu_mean_scale = 0.0f;
  device.activation = {.split = 0.0f, .polynomial = {0.2f, 0.0f, 0.0f, 0.0f}};
  TileArray array({}, hardware, {.seed = 1}, kOutputs, kInputs);
  array.program({}, kWeights);
  array.advance_to({}, 20.0);
  EXPECT_NEAR(array.read_weights({})[0], std::exp(-0.2 * inverse_heat(340.0, 300.0)), 1e-4);
}

/// Hardware whose cells differ in nothing but their correlated read noise.
Hardware noisy() {
  Hardware hardware = drifting();
  auto& device = std::get<Pcm::Params>(hardware.device);
  device.nu_mean_scale = 0.0f;
  device.read_noise_scale = 1.0f;
  hardware.cell_noise.correlated = true;
  hardware.tile.rows = hardware.tile.columns = 64;
  return hardware;
}

/// Covariance over cells of relative deviations at two times, in units of q^2.
double covariance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - 1.0) * (b[i] - 1.0);
  return sum / double(a.size()) / (0.0088 * 0.0088);
}

TEST(History, ReadsThatFollowEachOtherShareTheirSlowNoise) {
  // 256 x 256 cells. Covariance over a time T: the processes slower than 1/T, q^2 weight^2 sum e^(-rate T).
  constexpr std::size_t kSize = 256;
  const std::vector<float> ones(kSize * kSize, 1.0f);
  const Hardware hardware = noisy();
  TileArray array({}, hardware, {.seed = 3}, kSize, kSize);
  array.program({}, {ones.data(), kSize, kSize});
  const std::vector<double> first = array.read_weights({});
  const NoiseProcesses p = noise_processes(hardware.cell_noise, 250e-9);
  const double variance = p.count * p.weight * p.weight + p.white * p.white;
  const double error = 5.0 * variance * std::sqrt(2.0 / double(kSize * kSize));
  EXPECT_NEAR(covariance(first, first), variance, error);
  double time = 0.0;
  for (const double next : {1.0, 100.0, 1e4, 1e6}) {
    // One long step or ten short ones: the same law.
    for (int n = 1; n <= 10; ++n) array.advance_to({}, time + (next - time) * n / 10.0);
    time = next;
    double kept = 0.0;
    for (int k = 0; k < p.count; ++k) kept += p.weight * p.weight * std::exp(-p.rate[k] * next);
    const std::vector<double> now = array.read_weights({});
    EXPECT_NEAR(covariance(first, now), kept, error) << next;
    EXPECT_NEAR(covariance(now, now), variance, error) << next;
  }
}

TEST(History, AModelWithoutOneOverFNoiseCannotCorrelateIt) {
  Hardware hardware = noisy();
  hardware.device = Ideal::Params{};
  try {
    const TileArray array({}, hardware, {.seed = 3}, 4, 4);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "cell_noise.correlated = true: the device model 'ideal' has no 1/f read noise that could "
                 "be correlated; switch it off for this device");
  }
}

TEST(History, SurvivesAFile) {
  const auto path = std::filesystem::temp_directory_path() / ("mq_history_" + std::to_string(::getpid()));
  Hardware hardware = noisy();
  hardware.device = device_from_preset("hermes-1");
  hardware.cell_noise.telegraph_share = 0.5;
  hardware.tile.write_time = 0.1;
  const auto lived = [&] {
    TileArray array({}, hardware, {.seed = 4}, kOutputs, kInputs);
    array.program({}, kWeights);
    array.advance_to({}, 50.0);
    array.program_lines({}, kWeights, 8, 8);
    array.advance_to({}, 60.0);
    return array;
  };
  TileArray kept = lived();
  H5Writer writer(path, "history", 1);
  kept.save(writer, "/array");
  writer.commit();
  TileArray loaded({}, hardware, {.seed = 4}, kOutputs, kInputs);
  loaded.load({}, H5Reader(path, "history", 1), "/array");
  std::filesystem::remove(path);
  EXPECT_EQ(loaded.read_weights({}), kept.read_weights({}));
  for (TileArray* array : {&kept, &loaded}) array->advance_to({}, 1e5);
  EXPECT_EQ(loaded.read_weights({}), kept.read_weights({}));
}

}  // namespace
}  // namespace mq
