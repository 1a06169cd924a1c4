#include "arrays.h"

namespace mq {
namespace {

const Exec kExec;

double mean_magnitude(const std::vector<double>& w) {
  double sum = 0.0;
  for (const double value : w) sum += std::abs(value) / static_cast<double>(w.size());
  return sum;
}

TEST(DriftCompensation, RestoresTheMeanResponseOfEveryTile) {
  for (const char* preset : {"pcm-like", "hermes-1", "hermes-2"}) {
    TileArray array(kExec, ideal_io(preset, 64, 32), {.seed = 2}, 32, 128);  // 1 x 2 tiles
    array.program(kExec, matrix(uniforms(32 * 128, 1, 0.3f), 32));
    const double before = mean_magnitude(array.read_weights(kExec));
    for (const double time : {kHour, kDay, kYear}) {
      array.advance_to(kExec, time);
      const double drifted = mean_magnitude(array.read_weights(kExec));
      EXPECT_LT(drifted, 0.95 * before) << preset;
      array.compensate_drift(DriftCompensation::global);
      // The response is measured with the 16-bit codes of the plane.
      EXPECT_NEAR(mean_magnitude(array.read_weights(kExec)) / before, 1.0, 1e-5) << preset << ", " << time;
      array.compensate_drift(DriftCompensation::none);
      EXPECT_EQ(mean_magnitude(array.read_weights(kExec)), drifted);
    }
  }
}

TEST(DriftCompensation, IsTheInverseOfTheMeanDecay) {
  // Every cell at g_max, only the mean exponent 0.049 switched on: the factor is (tau / t0)^0.049.
  Pcm::Params params;
  params.prog_noise_scale = params.nu_sigma_scale = params.read_noise_scale = 0.0f;
  Hardware h = ideal_io("ideal");
  h.device = params;
  TileArray array(kExec, h, {}, 16, 16);
  array.program(kExec, matrix(std::vector<float>(256, 1.0f), 16));
  for (const double time : {kHour, kDay, kYear}) {
    array.advance_to(kExec, time);
    array.compensate_drift(DriftCompensation::global);
    EXPECT_NEAR(array.compensation()[0] / std::pow((time + 20.0) / 20.0, 0.049), 1.0, 1e-6) << time;
    for (const double w : array.read_weights(kExec)) EXPECT_NEAR(w, 1.0, 1e-6);
  }
}

TEST(DriftCompensation, ReadsOfAResponseAverageToTheExactOne) {
  // 32 outputs of 64 inputs: read noise of one read spreads the mean |response| of an output, and lifts it.
  TileArray array(kExec, ideal_io("pcm-like", 64, 32), {.seed = 2}, 32, 64);
  array.program(kExec, matrix(uniforms(32 * 64, 1), 32));
  array.advance_to(kExec, kDay);
  const std::vector<double> exact = array.output_responses(kExec, {.is_exact = true});
  EXPECT_EQ(array.output_responses(kExec, {.is_exact = true}), exact);
  const auto distance = [&](int reads) {
    const std::vector<double> read = array.output_responses(kExec, {.count = reads});
    double square = 0.0;
    for (std::size_t o = 0; o < exact.size(); ++o) square += std::pow(read[o] - exact[o], 2);
    return std::sqrt(square);
  };
  EXPECT_GT(distance(1), 0.0);
  EXPECT_LT(distance(64), 0.3 * distance(1));
  EXPECT_THROW(array.output_responses(kExec, {.count = 0}), ConfigError);
}

TEST(DriftCompensation, ResponsesOfTilesAreThoseThatFactorsCompare) {
  TileArray array(kExec, ideal_io("hermes-1", 64, 32), {.seed = 2}, 40, 100);  // 2 x 2 tiles
  array.program(kExec, matrix(uniforms(40 * 100, 1), 40));
  const std::vector<double> reference = array.mean_responses(kExec, {});
  array.advance_to(kExec, kDay);
  const std::vector<double> now = array.mean_responses(kExec, {});
  array.compensate_drift(DriftCompensation::global);
  const std::vector<double> factors = array.compensation();
  for (std::size_t t = 0; t < 4; ++t) EXPECT_NEAR(reference[t] / now[t] / factors[t], 1.0, 1e-5) << t;
  const std::vector<double> given = {1.0, 2.0, 3.0, 4.0};
  array.compensate_drift(given);
  EXPECT_EQ(array.compensation(), given);
  EXPECT_EQ(message_of([&] { array.compensate_drift(std::vector<double>(3)); }),
            "the array has 4 tiles but got 3 factors; give one for each tile");
}

TEST(DriftCompensation, ReadsAreCountedPerWordLineAndExactOnesAreNot) {
  // 40 x 100 on tiles of 64 inputs: 2 x 2 tiles, whose 64 + 36 word lines are read in both rows of tiles.
  TileArray array(kExec, ideal_io("hermes-1", 64, 32), {.seed = 2}, 40, 100);
  array.program(kExec, matrix(uniforms(40 * 100, 1), 40));
  array.advance_to(kExec, kDay);
  const Counters before = array.counters();
  const auto reads = [&] { return array.counters().response_reads; };
  EXPECT_EQ(reads(), 0);
  array.compensate_drift(DriftCompensation::global);
  EXPECT_EQ(reads(), 200);
  array.compensate_drift(DriftCompensation::none);
  EXPECT_EQ(reads(), 200);
  array.mean_responses(kExec, {.count = 3});
  EXPECT_EQ(reads(), 200 + 3 * 200);
  array.output_responses(kExec, {.count = 2});
  EXPECT_EQ(reads(), 200 + 5 * 200);
  array.mean_responses(kExec, {.is_exact = true});
  array.output_responses(kExec, {.is_exact = true});
  EXPECT_EQ(reads(), 200 + 5 * 200);
  EXPECT_EQ(array.counters().mvms, before.mvms) << "they are no products";
}

TEST(DriftCompensation, HoldsUntilTheClockMoves) {
  TileArray array(kExec, ideal_io("pcm-like"), {.seed = 2}, 16, 16);
  array.program(kExec, matrix(uniforms(256, 1), 16));
  EXPECT_EQ(array.compensation(), std::vector<double>{1.0});
  array.advance_to(kExec, kDay);
  array.compensate_drift(DriftCompensation::global);
  const std::vector<double> factors = array.compensation();
  EXPECT_GT(factors[0], 1.3);
  array.advance_to(kExec, kDay);
  EXPECT_EQ(array.compensation(), factors);
  array.advance_to(kExec, 2 * kDay);
  EXPECT_EQ(array.compensation(), std::vector<double>{1.0});
}

TEST(DriftCompensation, AppliesToProductsThroughAnAdcToo) {
  // The factor is digital: it multiplies ADC codes, so the compensated output is a multiple of the
  // uncompensated one.
  Hardware h = ideal_io("pcm-like");
  h.adc = {.bits = 8, .range = 8.0};
  TileArray array(kExec, h, {.seed = 2}, 16, 64);
  array.program(kExec, matrix(uniforms(16 * 64, 1), 16));
  array.advance_to(kExec, kYear);
  const std::vector<float> x = uniforms(10 * 64, 2), raw = product(array, kExec, x);
  array.compensate_drift(DriftCompensation::global);
  const std::vector<float> compensated = product(array, kExec, x);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    EXPECT_NEAR(compensated[i], raw[i] * array.compensation()[0], 1e-6 * (1.0 + std::abs(raw[i])));
  }
}

}  // namespace
}  // namespace mq
