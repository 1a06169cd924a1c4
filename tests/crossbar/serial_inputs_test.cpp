/// Inputs in digits and phases, whole numbers that come back without error, drivers that err, scaled inputs.
#include <algorithm>
#include <filesystem>

#include "arrays.h"
#include "meltquench/crossbar/adc_ranges.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 20, kInputs = 45, kBatch = 12;

/// Weights of 2 x 2 bits and inputs of 5 bits with sign, as whole numbers.
struct WholeNumbers {
  std::vector<float> w, x;
  DoubleMatrix product;

  WholeNumbers() {
    for (const float u : uniforms(kOutputs * kInputs, 1)) w.push_back(std::nearbyint(15.0f * u));
    for (const float u : uniforms(kBatch * kInputs, 2)) x.push_back(std::nearbyint(15.0f * u));
    w.front() = 15.0f;  // full scale of both is known
    for (std::size_t o = 0; o < kOutputs; ++o) w[o * kInputs] = 15.0f;
    x.front() = 15.0f;
    product = exact_product(x, w, kInputs);
  }
};

Hardware whole_number_hardware(MappingKind kind, int digit_bits, bool splits_sign, int tile_rows) {
  Hardware h = ideal_io("ideal", tile_rows, 7);
  h.mapping = {.kind = kind, .slices = 2, .slice_bits = kind == MappingKind::offset ? 3 : 2};
  h.dac.bits = 5;
  h.dac.range = 15.0;
  h.dac.digit_bits = digit_bits;
  h.dac.splits_sign = splits_sign;
  h.adc.bits = lossless_bits(static_cast<std::size_t>(tile_rows), h.mapping.slice_bits,
                             digit_bits > 0 ? digit_bits : 4) +
               1;
  return h;
}

/// Steps of the ADC are the smallest output: one level of a cell times one step of the inputs.
Ranges lossless_ranges(const TileArray& array) {
  const WeightMapping how = array.mapping();
  Ranges ranges{.dac = 15.0f, .adc = {}};
  for (std::size_t t = 0; t < array.grid().size(); ++t) {
    for (const PlaneRole role : plane_roles(array.hardware().mapping)) {
      const double level = (double(how.g_max) - how.g_min) / ((1 << how.slice_bits) - 1);
      const double step = std::abs(weight_per_siemens(how, role)) * level;
      const auto phases = input_phases(array.hardware().dac).conversions();
      ranges.adc.insert(ranges.adc.end(), phases,
                        static_cast<float>(lossless_range(array.hardware().adc.bits, step)));
    }
  }
  return ranges;
}

TEST(WholeNumbers, ComeBackWithoutErrorAtTheLosslessWidth) {
  const WholeNumbers numbers;
  for (const MappingKind kind : {MappingKind::differential, MappingKind::offset}) {
    for (const int digit_bits : {0, 1, 2}) {
      for (const bool splits_sign : {false, true}) {
        for (const int rows : {64, 16}) {
          TileArray array({}, whole_number_hardware(kind, digit_bits, splits_sign, rows), {}, kOutputs,
                          kInputs);
          // An offset array of 6 bits has 31 levels on each side of zero.
          const float w_max = kind == MappingKind::offset ? 31.0f : 15.0f;
          array.program({}, matrix(numbers.w, kOutputs), w_max);
          array.set_ranges(lossless_ranges(array));
          const std::vector<float> y = product(array, {}, numbers.x);
          for (std::size_t i = 0; i < y.size(); ++i) {
            const double exact = numbers.product.data()[i];
            ASSERT_NEAR(y[i], exact, 1e-6 * std::max(std::abs(exact), 100.0))
                << names(kind)[static_cast<std::size_t>(kind)] << ", " << digit_bits << " bits a digit, "
                << rows;
          }
          EXPECT_EQ(array.counters().adc_clips, 0);
        }
      }
    }
  }
}

TEST(SerialInputs, AddUpToTheProductOfWholeCodes) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 3), x = uniforms(kBatch * kInputs, 4);
  Hardware whole = ideal_io("ideal", 16, 7);
  whole.dac.bits = 8;
  whole.dac.range = 1.0;
  TileArray expected({}, whole, {}, kOutputs, kInputs);
  expected.program({}, matrix(w, kOutputs));
  const std::vector<float> y = product(expected, {}, x);
  for (const int digit_bits : {0, 1, 3}) {
    for (const bool splits_sign : {false, true}) {
      for (const Accumulation how : {Accumulation::digital, Accumulation::analog}) {
        if (how == Accumulation::analog && digit_bits == 0 && !splits_sign) continue;  // a single phase
        Hardware serial = whole;
        serial.dac.digit_bits = digit_bits;
        serial.dac.splits_sign = splits_sign;
        serial.dac.accumulation = how;
        TileArray array({}, serial, {}, kOutputs, kInputs);
        array.program({}, matrix(w, kOutputs));
        const std::vector<float> in_phases = product(array, {}, x);
        for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(in_phases[i], y[i], 2e-5) << digit_bits;
        const std::int64_t phases = input_phases(serial.dac).count();
        EXPECT_EQ(array.counters().dac_conversions, expected.counters().dac_conversions * phases);
      }
    }
  }
}

TEST(SerialInputs, AnalogAccumulationNeedsOneConversion) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.dac.bits = h.adc.bits = 8;
  h.dac.range = 1.0, h.adc.range = 20.0;
  h.dac.digit_bits = 1;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 3), x = uniforms(kBatch * kInputs, 4);
  std::int64_t conversions[2];
  for (const Accumulation how : {Accumulation::digital, Accumulation::analog}) {
    h.dac.accumulation = how;
    TileArray array({}, h, {}, kOutputs, kInputs);
    array.program({}, matrix(w, kOutputs));
    product(array, {}, x);
    conversions[static_cast<int>(how)] = array.counters().adc_conversions;
  }
  EXPECT_EQ(conversions[0], 7 * static_cast<std::int64_t>(kBatch * kOutputs));
  EXPECT_EQ(conversions[1], static_cast<std::int64_t>(kBatch * kOutputs));
}

TEST(Drivers, AsymmetryShrinksNegativeInputsAndNoiseHasItsVariance) {
  const std::vector<float> w(kOutputs * kInputs, 1.0f);
  Hardware h = ideal_io("ideal", 64, 64);
  h.dac.bits = 8;
  h.dac.range = 1.0;
  h.dac.asymmetry = 0.25f;
  TileArray uneven({}, h, {}, kOutputs, kInputs);
  uneven.program({}, matrix(w, kOutputs));
  std::vector<float> x(2 * kInputs, 0.5f);
  for (std::size_t j = kInputs; j < x.size(); ++j) x[j] = -0.5f;
  const std::vector<float> y = product(uneven, {}, x);
  EXPECT_NEAR(y[kOutputs] / y[0], -0.75, 1e-4);

  h.dac.asymmetry = 0.0f;
  h.dac.input_noise = 0.05f;
  TileArray noisy({}, h, {}, kOutputs, kInputs);
  noisy.program({}, matrix(w, kOutputs));
  constexpr std::size_t kSamples = 4000;
  const std::vector<float> zeros(kSamples * kInputs, 0.0f);
  const std::vector<float> noise = product(noisy, {}, zeros);
  double squares = 0.0;
  for (std::size_t b = 0; b < kSamples; ++b) {
    // All outputs see the same inputs, so all of them err alike.
    for (std::size_t o = 1; o < kOutputs; ++o) ASSERT_EQ(noise[b * kOutputs + o], noise[b * kOutputs]);
    squares += double(noise[b * kOutputs]) * noise[b * kOutputs];
  }
  const double expected = kInputs * 0.05 * 0.05, n = kSamples;
  EXPECT_LE(std::abs(squares / n / expected - 1.0), 5.0 * std::sqrt(2.0 / n));
}

TEST(InputScaling, DividesEachSampleByItsLargestInput) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.dac.bits = 8;
  h.dac.scaling = InputScaling::absmax;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 3);
  std::vector<float> x = uniforms(kBatch * kInputs, 4), scaled = x;
  for (std::size_t i = 0; i < x.size(); ++i) scaled[i] *= std::ldexp(1.0f, static_cast<int>(i / kInputs) - 6);
  TileArray array({}, h, {}, kOutputs, kInputs);
  array.program({}, matrix(w, kOutputs));
  const std::vector<float> y = product(array, {}, x), z = product(array, {}, scaled);
  // Powers of two change nothing but the exponent: samples of any size are converted alike.
  for (std::size_t i = 0; i < y.size(); ++i) {
    EXPECT_EQ(z[i], std::ldexp(y[i], static_cast<int>(i / kOutputs) - 6));
  }
  const DoubleMatrix exact = exact_product(x, w, kInputs);
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], exact.data()[i], 0.15);
}

TEST(InputScaling, ARunningAverageFollowsTheSamplesInWhateverBatchesTheyCome) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.dac.bits = 8;
  h.dac.range = 4.0;
  h.dac.scaling = InputScaling::average;
  h.dac.average_decay = 0.25;
  const std::vector<float> w = uniforms(kOutputs * kInputs, 3), x = uniforms(kBatch * kInputs, 4);
  TileArray whole({}, h, {}, kOutputs, kInputs), parts({}, h, {}, kOutputs, kInputs);
  whole.program({}, matrix(w, kOutputs));
  parts.program({}, matrix(w, kOutputs));
  const std::vector<float> y = product(whole, {}, x);
  std::vector<float> z;
  for (std::size_t b = 0; b < kBatch; b += 4) {
    const std::vector<float> some(x.begin() + static_cast<std::ptrdiff_t>(b * kInputs),
                                  x.begin() + static_cast<std::ptrdiff_t>((b + 4) * kInputs));
    const std::vector<float> part = product(parts, {}, some, {.first_row = b});
    z.insert(z.end(), part.begin(), part.end());
  }
  EXPECT_EQ(y, z);
}

TEST(BoundManagement, ReadsSamplesAgainThatWereCutAndKeepsTheOthers) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.dac.bits = 10, h.adc.bits = 10;
  h.dac.range = 1.0, h.adc.range = 6.0;
  h.tile.output_noise = 0.02f;
  std::vector<float> w = uniforms(kOutputs * kInputs, 3), x = uniforms(kBatch * kInputs, 4);
  // One sample that drives all outputs far beyond the range; either sign, wherever it stands.
  for (std::size_t j = 0; j < kInputs; ++j) {
    w[3 * kInputs + j] = 0.9f;
    x[5 * kInputs + j] = 0.8f;
    x[7 * kInputs + j] = -0.8f;
  }
  TileArray cut({}, h, {}, kOutputs, kInputs);
  h.adc.bound_management = BoundManagement::iterative;
  TileArray managed({}, h, {}, kOutputs, kInputs);
  cut.program({}, matrix(w, kOutputs));
  managed.program({}, matrix(w, kOutputs));
  const std::vector<float> without = product(cut, {}, x), with = product(managed, {}, x);
  const DoubleMatrix exact = exact_product(x, w, kInputs);
  for (const std::size_t b : {5u, 7u}) {
    EXPECT_NEAR(std::abs(without[b * kOutputs + 3]), 6.0, 0.02);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      EXPECT_NEAR(with[b * kOutputs + o], exact(static_cast<Eigen::Index>(b), static_cast<Eigen::Index>(o)),
                  2.0);
    }
  }
  // Samples of which nothing was cut keep their bits, noise included.
  std::size_t kept = 0;
  for (std::size_t b = 0; b < kBatch; ++b) {
    const auto first = without.begin() + static_cast<std::ptrdiff_t>(b * kOutputs);
    const auto is_at_the_end = [](float y) { return std::abs(y) > 5.99f; };
    if (std::any_of(first, first + kOutputs, is_at_the_end)) continue;
    EXPECT_TRUE(
        std::equal(first, first + kOutputs, with.begin() + static_cast<std::ptrdiff_t>(b * kOutputs)));
    ++kept;
  }
  EXPECT_GE(kept, kBatch / 2);
  // Every sample on its own gives what it gives among others: no sample changes another one.
  for (std::size_t b = 0; b < kBatch; ++b) {
    const std::vector<float> alone(x.begin() + static_cast<std::ptrdiff_t>(b * kInputs),
                                   x.begin() + static_cast<std::ptrdiff_t>((b + 1) * kInputs));
    const std::vector<float> y = product(managed, {}, alone, {.first_row = b});
    EXPECT_TRUE(std::equal(y.begin(), y.end(), with.begin() + static_cast<std::ptrdiff_t>(b * kOutputs)));
  }
}

TEST(BoundManagement, ReadsAgainWithInputsHalfAsLargeAndNoiseOfItsOwn) {
  Hardware h = ideal_io("ideal", 64, 64);
  h.dac.bits = 10, h.adc.bits = 10;
  h.dac.range = 1.0, h.adc.range = 30.0;
  const std::vector<float> w(kOutputs * kInputs, 1.0f), x(kInputs, 0.8f), half(kInputs, 0.4f);  // 36 and 18
  for (const float noise : {0.0f, 0.5f}) {
    h.tile.output_noise = noise;
    h.adc.bound_management = BoundManagement::none;
    TileArray plain({}, h, {}, kOutputs, kInputs);
    h.adc.bound_management = BoundManagement::iterative;
    TileArray managed({}, h, {}, kOutputs, kInputs);
    plain.program({}, matrix(w, kOutputs));
    managed.program({}, matrix(w, kOutputs));
    std::vector<float> twice = product(plain, {}, half);
    for (float& y : twice) y *= 2.0f;
    const std::vector<float> y = product(managed, {}, x);
    EXPECT_EQ(y == twice, noise == 0.0f) << "the first read's noise must not come back";
  }
}

TEST(InputScaling, OptionsThatWouldDoNothingAreRefused) {
  const auto refusal = [](const auto& change) {
    Hardware h = ideal_io("ideal");
    h.dac.bits = 8;
    change(h);
    return message_of([&] { check_acting(h); });
  };
  EXPECT_EQ(
      refusal([](Hardware& h) { h.dac.scale = 2.0; }),
      "dac.scale = 2.0 cannot act here: it acts where dac.scaling is constant; leave it out, or change that");
  EXPECT_EQ(
      refusal([](Hardware& h) { h.dac.accumulation = Accumulation::analog; }),
      "dac.accumulation = \"analog\" cannot act here: it acts where dac.bits > 0 and inputs are read in "
      "phases (dac.digit_bits > 0 or dac.splits_sign); leave it out, or change that");
  EXPECT_EQ(
      refusal([](Hardware& h) { h.adc.bound_management = BoundManagement::iterative; }),
      "adc.bound_management = \"iterative\" cannot act here: it acts where adc.bits > 0; leave it out, or "
      "change that");
}

TEST(Corrections, OfOutputsActInFloatAndDoubleAndComeBackFromAFile) {
  const std::vector<float> w = uniforms(kOutputs * kInputs, 3), x = uniforms(kBatch * kInputs, 4);
  AffineCorrection correction{.scale = uniforms(kOutputs, 5), .offset = uniforms(kOutputs, 6)};
  const Exec exec{.backend = Backend::reference};
  TileArray array(exec, ideal_io("ideal", 64, 64), {}, kOutputs, kInputs);
  array.program(exec, matrix(w, kOutputs));
  const std::vector<double> x64(x.begin(), x.end()), before = product(array, exec, x64);
  array.correct_outputs(correction);
  const std::vector<double> after = product(array, exec, x64);
  const std::vector<float> in_float = product(array, exec, x);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const std::size_t o = i % kOutputs;
    ASSERT_NEAR(after[i], before[i] * correction.scale[o] + correction.offset[o], 1e-12);
    ASSERT_NEAR(in_float[i], after[i], 1e-4);
  }
  const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "corrections_test.h5";
  H5Writer writer(file, "array", 1);
  array.save(writer, "/array");
  writer.commit();
  TileArray loaded(exec, ideal_io("ideal", 64, 64), {}, kOutputs, kInputs);
  loaded.load(exec, H5Reader(file, "array", 1), "/array");
  EXPECT_EQ(product(loaded, exec, x64), after);
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace mq
