/// DAC, ADC and the noise of products as an array shows them.
#include "arrays.h"

namespace mq {
namespace {

const Exec kExec;

TEST(Converters, AnAdcAddsTheVarianceOfAUniformStep) {
  // 128 x 64 outputs spread over many steps of 2 range / (2^bits - 2); the error is uniform, kurtosis 1.8.
  const std::vector<float> w = uniforms(64 * 100, 1), x = uniforms(128 * 100, 2);
  TileArray ideal(kExec, ideal_io("ideal"), {}, 64, 100);
  ideal.program(kExec, matrix(w, 64));
  const std::vector<float> exact = product(ideal, kExec, x);
  for (const int bits : {6, 8, 10}) {
    Hardware h = ideal_io("ideal");
    h.adc = {.bits = bits, .range = 25.0};
    TileArray array(kExec, h, {}, 64, 100);
    array.program(kExec, matrix(w, 64));
    const std::vector<float> y = product(array, kExec, x);
    EXPECT_EQ(array.counters().adc_clips, 0);
    const double n = static_cast<double>(y.size()), step = 25.0 / largest_code(bits);
    double square = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) square += std::pow(double(y[i]) - exact[i], 2) / n;
    EXPECT_NEAR(square / (step * step / 12.0), 1.0, 5.0 * std::sqrt(0.8 / n)) << bits;
  }
}

TEST(Converters, OutputsRiseInStepsWhereInputsRise) {
  Hardware h = ideal_io("ideal");
  h.adc = {.bits = 5, .range = 1.0};
  TileArray array(kExec, h, {}, 1, 1);
  array.program(kExec, matrix({1.0f}, 1));
  std::vector<float> ramp(10001);
  for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = -1.1f + 2.2f * static_cast<float>(i) / 10000.0f;
  const std::vector<float> y = product(array, kExec, ramp);
  int steps = 0;
  for (std::size_t i = 1; i < y.size(); ++i) {
    ASSERT_GE(y[i], y[i - 1]);
    if (y[i] == y[i - 1]) continue;
    EXPECT_NEAR(y[i] - y[i - 1], 1.0 / 15.0, 1e-6);
    ++steps;
  }
  EXPECT_EQ(steps, 30) << "every code of 5 bits";
  EXPECT_NEAR(y.front(), -1.0, 1e-7);
  EXPECT_NEAR(y.back(), 1.0, 1e-7);
  std::int64_t beyond = 0;
  for (const float x : ramp) beyond += std::abs(std::nearbyint(x * 15.0f)) > 15.0f;
  EXPECT_EQ(array.counters().adc_clips, beyond);
}

TEST(Converters, ADacGivesTheProductOfTheRoundedInputs) {
  const std::vector<float> w = uniforms(40 * 60, 1);
  std::vector<float> x = uniforms(30 * 60, 2);
  for (float& value : x) value *= 1.2f;
  for (const int bits : {4, 8, 12}) {
    Hardware h = ideal_io("ideal", 32, 24);
    h.dac = {.bits = bits, .range = 1.0};
    TileArray array(kExec, h, {}, 40, 60);
    array.program(kExec, matrix(w, 40));
    const std::vector<float> y = product(array, kExec, x);
    std::vector<double> rounded;
    const double limit = largest_code(bits);
    for (const float value : x)
      rounded.push_back(std::min(std::max(std::nearbyint(value * limit), -limit), limit) / limit);
    const DoubleMatrix exact = exact_product(rounded, array.read_weights(kExec), 60);
    // Weights are 16-bit codes, off by at most half of 2^-15: 60 of them, less than 6 standard errors of
    // their sum.
    const double tolerance = 6.0 * std::sqrt(60.0 / 3.0 / 12.0) / 32767.0;
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], exact.data()[i], tolerance) << bits;
  }
}

TEST(Converters, PatchesOfImagesGiveTheProductOfGatheredPatches) {
  // 2 channels of 9 x 9, filters of 3 x 3, padded: 18 inputs on tiles of 8, 81 patches of 4 images.
  const Windows windows{
      .samples = 4, .channels = 2, .height = 9, .width = 9, .rows = 9, .columns = 9, .size = 3, .padding = 1};
  const std::vector<float> w = uniforms(10 * 18, 1), images = uniforms(4 * 2 * 81, 2);
  std::vector<float> patches(4 * 81 * 18);
  kernels(Backend::cpu)
      .training.gather_patches(kExec,
                               {.windows = windows, .images = images.data(), .patches = patches.data()});
  for (const float read_noise : {0.0f, 0.02f}) {
    Hardware h = ideal_io("pcm-like", 8, 8);
    h.tile.read_noise = read_noise;
    h.dac = {.bits = 8, .range = 0.9};
    TileArray array(kExec, h, {}, 10, 18), other(kExec, h, {}, 10, 18);
    array.program(kExec, matrix(w, 10));
    other.program(kExec, matrix(w, 10));
    std::vector<float> y(4 * 81 * 10);
    array.mvm_patches(kExec, windows, images.data(), {y.data(), 4 * 81, 10}, {.first_row = 162});
    EXPECT_EQ(y, product(other, kExec, patches, {.first_row = 162}));
    EXPECT_GT(array.counters().dac_clips, 0);
    EXPECT_EQ(array.counters().dac_clips, other.counters().dac_clips);
    EXPECT_EQ(array.counters().sum_of_codes, other.counters().sum_of_codes);
    EXPECT_EQ(array.counters().dac_conversions, other.counters().dac_conversions);
    EXPECT_EQ(array.counters().mvms, other.counters().mvms);
  }
}

TEST(Converters, RangesAreFullScaleAndFixedOnesWin) {
  Hardware h = ideal_io("ideal");
  h.dac = {.bits = 8, .range = {}};
  h.adc = {.bits = 8, .range = 2.0};
  TileArray array(kExec, h, {}, 2, 2);
  array.set_ranges({0.5f, {7.0f}});
  EXPECT_EQ(array.ranges().dac, 0.5f);
  EXPECT_EQ(array.ranges().adc, std::vector<float>{2.0f});
  array.program(kExec, matrix({1.0f, 0.0f, 0.0f, 4.0f}, 2));
  const std::vector<float> y = product(array, kExec, std::vector<float>{9.0f, 9.0f});  // cut to 0.5 each
  EXPECT_NEAR(y[0], 0.5, 2.0 / 127);
  EXPECT_NEAR(y[1], 2.0, 1e-6);
}

TEST(Converters, TilesOfDifferentRangesAddUp) {
  // Partial sums are ADC codes times the step of their tile: y is the sum of what each tile gives alone.
  const std::vector<float> w = uniforms(10 * 64, 1), x = uniforms(25 * 64, 2);
  Hardware h = ideal_io("ideal", 32, 16);
  h.adc.bits = 8;
  TileArray both(kExec, h, {}, 10, 64);
  both.set_ranges({1.0f, {9.0f, 4.0f}});
  both.program(kExec, matrix(w, 10));
  const std::vector<float> y = product(both, kExec, x);
  std::vector<double> sum(y.size());
  for (std::size_t half = 0; half < 2; ++half) {
    std::vector<float> part, input;
    for (std::size_t o = 0; o < 10; ++o)
      part.insert(part.end(), w.begin() + static_cast<long>(o * 64 + half * 32),
                  w.begin() + static_cast<long>(o * 64 + half * 32 + 32));
    for (std::size_t row = 0; row < 25; ++row)
      input.insert(input.end(), x.begin() + static_cast<long>(row * 64 + half * 32),
                   x.begin() + static_cast<long>(row * 64 + half * 32 + 32));
    Hardware one = h;
    one.adc.range = half == 0 ? 9.0 : 4.0;
    TileArray tile(kExec, one, {}, 10, 32);
    tile.program(kExec, matrix(part, 10));
    const std::vector<float> y_part = product(tile, kExec, input);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += y_part[i];
  }
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], sum[i], 9.0 / 127 / 4) << i;
}

TEST(Converters, NoiseOfProductsIsRelativeToOneFullyOnCell) {
  // 2e4 products with w_max = 4 and a DAC range of 0.5: the unit of both noises is 2. Five standard errors;
  // 7-bit magnitudes and 8-bit inputs may shift the read noise's variance by 1 %.
  const std::vector<float> w{4.0f, -1.0f, 2.0f, 0.0f};
  const std::vector<float> x{0.5f, -0.25f, 0.125f, 0.5f};
  const std::size_t rows = 20'000;
  std::vector<float> many;
  for (std::size_t row = 0; row < rows; ++row) many.insert(many.end(), x.begin(), x.end());
  for (const int bits : {0, 8}) {
    Hardware h = ideal_io("ideal");
    h.dac = {.bits = bits, .range = 0.5};
    h.tile.output_noise = 0.03f;
    h.tile.read_noise = 0.1f;
    TileArray array(kExec, h, {.seed = 3}, 1, 4);
    array.program(kExec, matrix(w, 1));
    const std::vector<float> y = product(array, kExec, many);
    double mean = 0.0, variance = 0.0;
    for (const float v : y) mean += v / static_cast<double>(rows);
    for (const float v : y) variance += std::pow(v - mean, 2) / static_cast<double>(rows);
    const double full = bits > 0 ? 0.5 : 1.0;
    double expected = 0.0, exact = 0.0;
    for (std::size_t j = 0; j < 4; ++j) {
      expected += std::abs(w[j]) / 4.0 * std::pow(x[j] / full, 2);
      exact += double(w[j]) * x[j];
    }
    expected = (expected * 0.1 * 0.1 + 0.03 * 0.03) * std::pow(4.0 * full, 2);
    EXPECT_NEAR(variance / expected, 1.0, 5.0 * std::sqrt(2.0 / static_cast<double>(rows)) + 0.01) << bits;
    EXPECT_NEAR(mean, exact, 5.0 * std::sqrt(expected / static_cast<double>(rows)) + 0.01) << bits;
  }
}

TEST(Converters, EveryArchitectureWithoutErrorsGivesTheBitsOfTheFusedAdc) {
  // Noise of 1e-30 steps changes nothing, but sends products through the converters one by one.
  const std::vector<float> w = uniforms(10 * 64, 1), x = uniforms(25 * 64, 2);
  const auto y = [&](AdcKind kind, float noise) {
    Hardware h = ideal_io("pcm-like", 32, 16);
    h.dac = {.bits = 8, .range = 1.0};
    h.adc = {.kind = kind, .bits = 6, .range = 3.0, .noise = noise};
    TileArray array(kExec, h, {.seed = 3}, 10, 64);
    array.program(kExec, matrix(w, 10));
    const std::vector<float> result = product(array, kExec, x);
    return std::pair(result, array.counters().adc_clips);
  };
  const auto fused = y(AdcKind::uniform, 0.0f);
  EXPECT_GT(fused.second, 0);
  for (const AdcKind kind :
       {AdcKind::uniform, AdcKind::ramp, AdcKind::sar, AdcKind::pipeline, AdcKind::cyclic}) {
    EXPECT_EQ(y(kind, 1e-30f), fused) << int(kind);
  }
  EXPECT_NE(y(AdcKind::cco, 0.0f), fused) << "it cuts off fractions";
}

TEST(Converters, TransposedProductsInStepsHaveTheBitsOfTheFusedAdcAndConvertersOfTheirOwn) {
  const std::vector<float> w = uniforms(10 * 64, 1), e = uniforms(25 * 10, 2);
  const auto d = [&](float noise, float offset) {
    Hardware h = ideal_io("pcm-like", 32, 4);
    h.dac = {.bits = 8, .range = 1.0};
    h.adc = {.bits = 6, .range = 3.0, .offset = offset, .noise = noise};
    TileArray array(kExec, h, {.seed = 3}, 10, 64);
    array.program(kExec, matrix(w, 10));
    array.set_transposed_ranges({1.0f, std::vector<float>(array.grid().size(), 2.0f)});
    std::vector<float> result(25 * 64);
    array.mvm_transposed(kExec, {e.data(), 25, 10}, {result.data(), 25, 64});
    return result;
  };
  const std::vector<float> fused = d(0.0f, 0.0f);
  EXPECT_EQ(d(1e-30f, 0.0f), fused);
  EXPECT_NE(d(0.0f, 1.0f), fused);
}

}  // namespace
}  // namespace mq
