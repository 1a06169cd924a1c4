/// Noise of products: mean, variance and covariance of outputs against theory, for every source alone and for
/// all of them together; noise drawn per output against noise drawn per cell.
#include "product_noise.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 6, kInputs = 40, kRows = 12'000;
// 7-bit magnitudes may shift a variance by 1 %; nanosecond noise has codes for inputs and a common offset of
// its law as well.
constexpr double kRounding = 0.01, kNanosecondRounding = 0.02;

std::vector<float> repeated(const std::vector<float>& x, std::size_t rows) {
  std::vector<float> all;
  for (std::size_t row = 0; row < rows; ++row) all.insert(all.end(), x.begin(), x.end());
  return all;
}

Hardware quiet(const char* preset = "ideal") {
  Hardware h = ideal_io(preset);
  h.dac.bits = 8;
  h.dac.range = 1.0;
  return h;
}

TileArray programmed(const Hardware& h, std::size_t outputs = kOutputs) {
  TileArray array({}, h, {.seed = 11}, outputs, kInputs);
  array.program({}, matrix(uniforms(outputs * kInputs, 5), outputs));
  if (h.tile.read_noise_law == ReadNoiseLaw::device) array.advance_to({}, kHour);
  return array;
}

/// Many products of one input against theory.
void expect_theory(const Hardware& h, const std::string& what) {
  TileArray array = programmed(h);
  const std::vector<float> x = uniforms(kInputs, 6);
  const std::vector<float> y = product(array, {}, repeated(x, kRows));
  const bool is_nanosecond = h.tile.read_noise_law == ReadNoiseLaw::nanosecond;
  expect_moments(moments_of(y, kOutputs), theory_of(array, x), kRows,
                 is_nanosecond ? kNanosecondRounding : kRounding, what);
}

struct Source {
  const char* name;
  const char* preset;
  void (*set)(Hardware&);
};

void set_read_noise(Hardware& h, ReadNoiseLaw law, float size) {
  h.tile.read_noise_law = law;
  h.tile.read_noise = size;
}

const Source kReadNoise[] = {
    {"square-root", "ideal", [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::square_root, 0.05f); }},
    {"constant", "ideal", [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::constant, 0.03f); }},
    {"proportional", "ideal", [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::proportional, 0.1f); }},
    {"square-root, pcm", "pcm-like",
     [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::square_root, 0.05f); }},
    {"proportional, pcm", "pcm-like",
     [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::proportional, 0.1f); }},
    {"device", "pcm-like", [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::device, 0.0f); }},
    {"nanosecond", "pcm-like", [](Hardware& h) { set_read_noise(h, ReadNoiseLaw::nanosecond, 0.0f); }}};

const Source kOtherSources[] = {
    {"output noise", "ideal", [](Hardware& h) { h.tile.output_noise = 0.2f; }},
    {"input noise", "ideal", [](Hardware& h) { h.dac.input_noise = 0.03f; }},
    {"input noise, pcm", "pcm-like", [](Hardware& h) { h.dac.input_noise = 0.03f; }},
    {"noise of the ADC", "ideal", [](Hardware& h) {
       h.adc.bits = 8;
       h.adc.range = 20.0;
       h.adc.noise = 1.5f;
     }}};

TEST(ProductNoise, OfEverySourceAloneHasTheMomentsOfTheory) {
  // 12 000 products each; five standard errors.
  for (const Source& source : kReadNoise) {
    Hardware h = quiet(source.preset);
    source.set(h);
    expect_theory(h, source.name);
  }
  for (const Source& source : kOtherSources) {
    Hardware h = quiet(source.preset);
    source.set(h);
    expect_theory(h, source.name);
  }
}

TEST(ProductNoise, OfAllSourcesTogetherIsTheSumOfTheirVariances) {
  for (const Source& source : kReadNoise) {
    Hardware h = quiet(source.preset);
    // Two tiles share every output: each has noise and converters of its own.
    h.tile.rows = 23;
    for (const Source& other : kOtherSources) other.set(h);
    source.set(h);
    if (h.tile.read_noise_law == ReadNoiseLaw::nanosecond) h.dac.input_noise = 0.0f;
    expect_theory(h, std::string("all with ") + source.name);
  }
}

TEST(ProductNoise, HasTheMomentsOfTheoryHoweverWeightsAreWritten) {
  const std::pair<const char*, MappingParams> mappings[] = {
      {"two-sided pair", {.sides = PairSides::both}},
      {"digital subtraction", {.subtraction = Subtraction::digital}},
      {"offset", {.kind = MappingKind::offset}},
      {"offset, reference column", {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column}}};
  for (const auto& [name, mapping] : mappings) {
    for (const Source& source : kReadNoise) {
      Hardware h = quiet(source.preset);
      h.mapping = mapping;
      source.set(h);
      const bool is_nanosecond = h.tile.read_noise_law == ReadNoiseLaw::nanosecond;
      // theory_of has the time-dependent law for pairs only.
      if (is_nanosecond && mapping.kind == MappingKind::offset) continue;
      h.tile.output_noise = 0.1f;
      if (!is_nanosecond) h.dac.input_noise = 0.02f;
      expect_theory(h, std::string(name) + " with " + source.name);
    }
  }
}

TEST(ProductNoise, OfAReferenceColumnIsCommonToAllOutputs) {
  Hardware h = quiet();
  h.mapping = {.kind = MappingKind::offset, .zero = ZeroRemoval::reference_column};
  set_read_noise(h, ReadNoiseLaw::constant, 0.05f);
  TileArray array = programmed(h);
  const std::vector<float> x = uniforms(kInputs, 6);
  const ProductMoments seen = moments_of(product(array, {}, repeated(x, kRows)), kOutputs);
  // Cells all fluctuate alike, those of the reference as those of an output: correlation 1/2.
  for (Eigen::Index o = 1; o < seen.covariance.rows(); ++o) {
    const double correlation =
        seen.covariance(o, 0) / std::sqrt(seen.covariance(o, o) * seen.covariance(0, 0));
    EXPECT_NEAR(correlation, 0.5, 5.0 * 0.75 / std::sqrt(double(kRows)));
  }
}

TEST(ProductNoise, OfSerialInputsCountsEveryPhaseWithItsWeight) {
  Hardware h = quiet();
  h.dac.digit_bits = 3;
  set_read_noise(h, ReadNoiseLaw::constant, 0.05f);
  h.tile.output_noise = 0.1f;
  TileArray array = programmed(h);
  const std::vector<float> x = uniforms(kInputs, 6);
  const ProductMoments seen = moments_of(product(array, {}, repeated(x, kRows)), kOutputs);
  // Each phase draws anew: digits d of |code|, which count 8^p steps of 1/127, and outputs relative to the
  // largest digit.
  double squares = 0.0, outputs = 0.0;
  for (int phase = 0; phase < 3; ++phase) {
    outputs += std::pow(std::ldexp(7.0 / 127.0, 3 * phase) * 0.1, 2);
    for (const float value : x) {
      const int digit = std::abs(static_cast<int>(std::lrint(value * 127.0f))) >> (3 * phase) & 7;
      squares += std::pow(std::ldexp(digit / 127.0, 3 * phase), 2);
    }
  }
  const double w_max = array.mapping().w_max;
  const double variance = w_max * w_max * (2.0 * std::pow(0.05, 2) * squares + outputs);
  for (Eigen::Index o = 0; o < seen.covariance.rows(); ++o) {
    EXPECT_NEAR(seen.covariance(o, o) / variance, 1.0, 5.0 * std::sqrt(2.0 / kRows) + kRounding);
  }
}

TEST(ProductNoise, IsNewForEveryRowAndCall) {
  Hardware h = quiet("pcm-like");
  for (const Source& other : kOtherSources) other.set(h);
  set_read_noise(h, ReadNoiseLaw::square_root, 0.05f);
  TileArray array = programmed(h);
  const std::vector<float> x = repeated(uniforms(kInputs, 6), kRows);
  const std::vector<float> y = product(array, {}, x), other = product(array, {}, x, {.call = 1});
  // Side by side: an output, the same one row later, and the same of another call.
  std::vector<float> beside;
  for (std::size_t row = 0; row + 1 < kRows; ++row) {
    for (const float value :
         {y[row * kOutputs], y[(row + 1) * kOutputs], other[row * kOutputs], other[(row + 1) * kOutputs]}) {
      beside.push_back(value);
    }
  }
  const DoubleMatrix c = moments_of(beside, 4).covariance;
  for (Eigen::Index a = 0; a < 4; ++a) {
    for (Eigen::Index b = 0; b < a; ++b) {
      EXPECT_NEAR(c(a, b) / std::sqrt(c(a, a) * c(b, b)), 0.0, 5.0 / std::sqrt(double(kRows)));
    }
  }
}

TEST(ProductNoise, DependsNeitherOnHowABatchIsSplitNorOnThreads) {
  constexpr std::size_t kSome = 60;
  const std::vector<float> x = uniforms(kSome * kInputs, 7);
  for (const Source& source : kReadNoise) {
    Hardware h = quiet(source.preset);
    h.tile.rows = 23;
    for (const Source& other : kOtherSources) other.set(h);
    source.set(h);
    TileArray array = programmed(h);
    const std::vector<float> y = product(array, {}, x, {.first_row = 5});
    EXPECT_EQ(product(array, {.threads = 3}, x, {.first_row = 5}), y) << source.name;
    for (const std::size_t split : {1u, 16u, 37u}) {
      const auto middle = static_cast<std::ptrdiff_t>(split * kInputs);
      std::vector<float> parts =
          product(array, {}, std::vector<float>(x.begin(), x.begin() + middle), {.first_row = 5});
      const std::vector<float> rest =
          product(array, {}, std::vector<float>(x.begin() + middle, x.end()), {.first_row = 5 + split});
      parts.insert(parts.end(), rest.begin(), rest.end());
      EXPECT_EQ(parts, y) << source.name << ", split at " << split;
    }
  }
}

TEST(ProductNoise, OfOneNumberPerOutputIsDistributedAsThatOfANumberPerCell) {
  Hardware h = quiet();
  set_read_noise(h, ReadNoiseLaw::proportional, 0.1f);
  TileArray array = programmed(h, 2);
  const std::vector<float> x = uniforms(kInputs, 6);
  const std::vector<float> short_cut = product(array, {}, repeated(x, kRows));
  // Every cell of every product gets a number of its own.
  const double k = array.mapping().weight_per_siemens();
  Tile& tile = array.tiles().front();
  const std::vector<float> plus = tile.conductances({}, Polarity::plus, array.now());
  const std::vector<float> minus = tile.conductances({}, Polarity::minus, array.now());
  std::vector<float> per_cell;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    for (std::size_t o = 0; o < 2; ++o) {
      double sum = 0.0;
      for (std::size_t j = 0; j < kInputs; ++j) {
        Rng<float> rng(RngKey(77, Purpose::sampling), static_cast<std::uint32_t>(o * kInputs + j), row);
        const double u = std::nearbyint(double(x[j]) * 127.0) / 127.0;
        const double g_plus = double(plus[o * kInputs + j]) * (1.0 + 0.1 * double(rng.normal()));
        const double g_minus = double(minus[o * kInputs + j]) * (1.0 + 0.1 * double(rng.normal()));
        sum += k * (g_plus - g_minus) * u;
      }
      per_cell.push_back(static_cast<float>(sum));
    }
  }
  // The largest distance of two distribution functions of n values exceeds 2.6 (2 / n)^(1/2) with a
  // probability of 3e-6 (Kolmogorov, Smirnov); 1 % of a variance moves them by 0.0024.
  for (std::size_t o = 0; o < 2; ++o) {
    std::vector<float> a, b;
    for (std::size_t row = 0; row < kRows; ++row) {
      a.push_back(short_cut[row * 2 + o]);
      b.push_back(per_cell[row * 2 + o]);
    }
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    double distance = 0.0;
    for (std::size_t i = 0; i < kRows; ++i) {
      const auto below = std::lower_bound(b.begin(), b.end(), a[i]) - b.begin();
      distance = std::max(distance, std::abs(double(below) - double(i)) / kRows);
    }
    EXPECT_LT(distance, 2.6 * std::sqrt(2.0 / kRows) + 0.0024);
  }
  const DoubleMatrix fast = moments_of(short_cut, 2).covariance, slow = moments_of(per_cell, 2).covariance;
  for (Eigen::Index o = 0; o < 2; ++o) {
    EXPECT_NEAR(fast(o, o) / slow(o, o), 1.0, 5.0 * std::sqrt(4.0 / kRows) + kRounding);
  }
  EXPECT_NEAR(slow(0, 1) / std::sqrt(slow(0, 0) * slow(1, 1)), 0.0, 5.0 / std::sqrt(double(kRows)));
}

TEST(ProductNoise, OfFullWeightsAndInputsIsThatOfAihwkit) {
  // inference/noise and "PCM read" of IBM aihwkit: 0.0175 sqrt(sum |w| x^2).
  constexpr std::size_t kLines = 512;
  Hardware h = quiet();
  h.tile.rows = kLines;
  set_read_noise(h, ReadNoiseLaw::square_root, 0.0175f);
  TileArray array({}, h, {}, 16, kLines);
  array.program({}, matrix(std::vector<float>(16 * kLines, 1.0f), 16));
  constexpr std::size_t kSome = 1000;
  const std::vector<float> y = product(array, {}, std::vector<float>(kSome * kLines, 1.0f));
  const double variance = moments_of(y, 16).covariance.diagonal().mean();
  EXPECT_NEAR(std::sqrt(variance) / 0.396, 1.0, 5.0 / std::sqrt(2.0 * kSome * 16) + 0.5 * kRounding);
}

TEST(ProductNoise, OfOffsetsAndGainsOfConvertersIsDrawnOnce) {
  // 2000 converters; five standard errors.
  constexpr std::size_t kConverters = 2000;
  Hardware h = quiet();
  h.tile.columns = kConverters;
  h.adc.bits = 10;
  h.adc.range = 20.0;
  h.adc.offset = 3.0f;
  h.periphery.offset = 0.01f;
  TileArray array = programmed(h, kConverters);
  const std::vector<float> y = product(array, {}, std::vector<float>(2 * kInputs, 0.0f));
  const double step = 20.0 / largest_code(10);
  const double variance = std::pow(3.0 * step, 2) + std::pow(0.01 * 20.0, 2) + step * step / 12.0;
  const std::vector<float> first(y.begin(), y.begin() + kConverters),
      second(y.begin() + kConverters, y.end());
  const ProductMoments seen = moments_of(first, 1);
  EXPECT_EQ(second, first);
  EXPECT_NEAR(seen.mean[0], 0.0, 5.0 * std::sqrt(variance / kConverters));
  EXPECT_NEAR(seen.covariance(0, 0) / variance, 1.0, 5.0 * std::sqrt(2.0 / kConverters));
}

}  // namespace
}  // namespace mq
