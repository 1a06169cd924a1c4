/// Learning with cells that pulses only move up: a pair of them, one for each sign.
#include <cmath>

#include "arrays.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 12, kInputs = 20;

TileArray programmed(const Exec& exec, const char* preset) {
  Hardware h = ideal_io("ideal");
  h.device = device_from_preset(preset);
  TileArray array(exec, h, {.seed = 5}, kOutputs, kInputs);
  const std::vector<float> w(kOutputs * kInputs, 0.0f);
  array.program(exec, matrix(w, kOutputs), 1.0f);
  return array;
}

std::vector<float> cells(TileArray& array, Polarity side) {
  std::vector<float> host(kOutputs * kInputs);
  const std::vector<float> all = array.tiles().front().conductances({}, side, array.now());
  std::copy_n(all.begin(), host.size(), host.begin());
  return host;
}

TEST(OneSided, PairsLearnWithPulsesUpOnTheSideOfTheSign) {
  const Exec exec;
  for (const char* preset : {"pcm-one-sided", "nandakumar-2018-averaged"}) {
    TileArray array = programmed(exec, preset);
    EXPECT_EQ(array.mapping().kind, PairKind::one_sided) << preset;
    std::vector<float> x(kInputs, 1.0f), d(kOutputs);
    for (std::size_t o = 0; o < kOutputs; ++o) d[o] = o % 2 == 0 ? 1.0f : -1.0f;
    for (std::uint32_t n = 0; n < 5; ++n) {
      array.update(exec, {x.data(), 1, kInputs}, {d.data(), 1, kOutputs},
                   {.x_gain = 1.0f, .d_gain = 1.0f, .pulses = 1, .event = n});
    }
    const std::vector<double> w = array.read_weights(exec);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      double mean = 0.0;
      for (std::size_t j = 0; j < kInputs; ++j) mean += w[o * kInputs + j] / kInputs;
      EXPECT_GT(o % 2 == 0 ? mean : -mean, 0.1) << preset;
    }
  }
}

TEST(OneSided, ACellThatIsNotPulsedStaysAsItIs) {
  const Exec exec;
  TileArray array = programmed(exec, "pcm-one-sided");
  const std::vector<float> plus = cells(array, Polarity::plus), minus = cells(array, Polarity::minus);
  const std::vector<float> x(kInputs, 1.0f), d(kOutputs, 1.0f);
  array.update(exec, {x.data(), 1, kInputs}, {d.data(), 1, kOutputs},
               {.x_gain = 1.0f, .d_gain = 1.0f, .pulses = 3});
  EXPECT_EQ(cells(array, Polarity::minus), minus);
  EXPECT_NE(cells(array, Polarity::plus), plus);
}

TEST(OneSided, APulseRestartsTheDriftOfItsCellAndOfNoOther) {
  Hardware h = ideal_io("ideal");
  auto p = std::get<AccumulativePcm::Params>(device_from_preset("nandakumar-2018"));
  p.cycle_noise_scale = p.read_noise_scale = 0.0f;
  h.device = p;
  const Exec exec;
  TileArray array(exec, h, {.seed = 5}, kOutputs, kInputs);
  const std::vector<float> w(kOutputs * kInputs, 0.4f);
  array.program(exec, matrix(w, kOutputs), 1.0f);
  const double start = array.read_weights(exec)[0];
  array.advance_to(exec, 1e4);
  const double faded = array.read_weights(exec)[0];
  EXPECT_NEAR(faded / start, std::pow((1e4 + 38.6) / 38.6, -0.04), 0.01);  // the minus side fades as well
  std::vector<float> x(kInputs, 1.0f), d(kOutputs, 0.0f);
  d[1] = 1.0f;  // all cells of one bit line
  array.update(exec, {x.data(), 1, kInputs}, {d.data(), 1, kOutputs}, {.pulses = 1});
  const std::vector<double> pulsed = array.read_weights(exec);
  EXPECT_NEAR(pulsed[0], faded, 1e-6);
  EXPECT_GT(pulsed[kInputs], faded);
  array.advance_to(exec, 2e4);
  const std::vector<double> later = array.read_weights(exec);
  EXPECT_NEAR(later[0] / pulsed[0], std::pow((2e4 + 38.6) / (1e4 + 38.6), -0.04), 0.001);
  EXPECT_NEAR(later[kInputs] / pulsed[kInputs], std::pow((1e4 + 38.6) / 38.6, -0.04), 0.01);
}

TEST(OneSided, WeightZeroOfTwoSidedCellsIsWhereTheDeviceSaysSo) {
  const Exec exec;
  TileArray array = programmed(exec, "ecram");
  const WeightMapping pair = array.mapping();
  EXPECT_EQ(pair.kind, PairKind::reference);
  EXPECT_NEAR(pair.target(0.0f, Polarity::plus), 10.0_uS + 0.4138 * 10.0_uS, 1e-11);
  EXPECT_NEAR(pair.g_min, 10.0_uS, 1e-11);  // the nearer bound
  EXPECT_NEAR(pair.g_max, 10.0_uS + 0.8276 * 10.0_uS, 1e-11);
  EXPECT_NEAR(array.weight_step(), 0.002 / 0.8276, 1e-6);
}

}  // namespace
}  // namespace mq
