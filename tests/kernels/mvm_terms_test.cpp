/// Bit slices, read phases and serial inputs: more terms of the same product (kernels/mvm.h).
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "tables.h"

namespace mq {
namespace {

struct TermOptions {
  std::size_t outputs = 33, inputs = 51, tile_inputs = 29, batch = 13;  // two tiles share the outputs
  std::uint32_t slices = 3, slice_bits = 8;
  std::uint32_t digits = 4, digit_bits = 3;
  bool splits_sign = false;
  bool holds_phases = false;  ///< analog accumulation of a slice's phases, digital of slices and tiles
  float output_variance = 0.0f, read_variance = 0.0f;
  float adc_codes_per_unit = 0.0f, adc_limit = 127.0f;
};

/// Integer weights of slices * slice_bits bits and inputs of digits * digit_bits bits, both with a sign. The
/// order of terms is tile, slice, phase.
class TermLayer {
 public:
  explicit TermLayer(const TermOptions& o) : options(o) {
    const std::vector<float> random = uniforms(o.outputs * o.inputs, 21);
    for (const float u : random)
      weights.push_back(
          static_cast<std::int32_t>(u * static_cast<float>((1 << o.slices * o.slice_bits) - 1)));
    make_codes();
    for (std::size_t first = 0; first < o.inputs; first += o.tile_inputs) {
      for (std::uint32_t s = 0; s < o.slices; ++s) make_slice(first, s);
    }
  }

  std::vector<float> run(const KernelTable& table, int threads = 1, std::size_t first = 0,
                         std::size_t count = ~0u, std::int64_t* clips = nullptr) const {
    MvmLayer op;
    op.batch = std::min(count, options.batch - first);
    op.outputs = op.block = options.outputs;
    op.terms_per_block = terms.size();
    op.terms = terms.data();
    op.codes = codes.data() + first * inputs.code_stride;
    op.squares = squares.data() + first * inputs.code_stride;
    op.code_stride = inputs.code_stride;
    op.code_limit = inputs.largest_code();
    op.y_lsb = y_lsb;
    op.key = RngKey(3, Purpose::mvm_noise, 2).at_moment(1).at_event(4).at_place(0, 6);
    op.first_row = 1000 + first;
    op.phases = static_cast<std::uint32_t>(inputs.planes());
    ConverterCounts counts;
    op.counts = &counts;
    std::vector<float> y(op.batch * op.outputs, NAN);
    op.y = y.data();
    table.mvm(Exec{.threads = threads}, op);
    if (clips != nullptr) *clips = counts.adc_clips;
    return y;
  }

  /// What the DAC makes of input j of a row: the whole code.
  std::int64_t code(std::size_t row, std::size_t j) const {
    return std::lrint(double(x[row * options.inputs + j]) * inputs.code_limit);
  }
  /// The integer sum of a term.
  std::int64_t sum(std::size_t row, std::size_t output, const MvmTerm& term) const {
    std::int64_t sum = 0;
    for (std::size_t j = 0; j < term.inputs; ++j) {
      sum += std::int64_t(codes[row * inputs.code_stride + term.first_input + j]) *
             term.codes[integer_panel_index(output, j, term.inputs)];
    }
    return sum;
  }

  TermOptions options;
  std::vector<std::int32_t> weights;
  std::vector<float> x;
  QuantizeInputs inputs;
  std::vector<std::int16_t> codes, squares;
  std::vector<MvmTerm> terms;
  double y_lsb = 0x1p-20;

 private:
  void make_codes() {
    x = uniforms(options.batch * options.inputs, 22);
    inputs.x = x.data();
    inputs.batch = options.batch;
    inputs.inputs = options.inputs;
    inputs.block = options.tile_inputs;
    inputs.code_limit = inputs.codes_per_unit =
        static_cast<float>((1 << options.digits * options.digit_bits) - 1);
    inputs.digits = options.digits;
    inputs.digit_bits = options.digit_bits;
    inputs.splits_sign = options.splits_sign;
    inputs.code_stride = inputs.planes() * inputs.plane_stride();
    codes.resize(options.batch * inputs.code_stride);
    squares.resize(codes.size());
    inputs.codes = codes.data();
    inputs.squares = squares.data();
    ConverterCounts counts;
    inputs.counts = &counts;
    kernels(Backend::cpu).quantize_inputs(Exec{}, inputs);
  }

  void make_slice(std::size_t first, std::uint32_t slice) {
    const std::size_t count = std::min(options.tile_inputs, options.inputs - first);
    const std::size_t size = panel_size(options.outputs, count);
    std::int16_t* plane = new_panels(size);
    std::int16_t* magnitudes = new_panels(size);
    for (std::size_t o = 0; o < options.outputs; ++o) {
      for (std::size_t j = 0; j < count; ++j) {
        const std::int32_t w = weights[o * options.inputs + first + j];
        const std::int32_t digit =
            std::abs(w) >> slice * options.slice_bits & ((1 << options.slice_bits) - 1);
        const std::size_t at = integer_panel_index(o, j, count);
        plane[at] = static_cast<std::int16_t>(w < 0 ? -digit : digit);
        magnitudes[at] = static_cast<std::int16_t>(digit * 127 >> options.slice_bits);
      }
    }
    const auto planes = static_cast<std::uint32_t>(inputs.planes());
    for (std::uint32_t p = 0; p < planes; ++p) {
      MvmTerm term;
      term.codes = plane;
      term.magnitudes = magnitudes;
      term.outputs = static_cast<std::uint32_t>(options.outputs);
      term.inputs = static_cast<std::uint32_t>(count);
      term.first_input = static_cast<std::uint32_t>(
          p * inputs.plane_stride() + first / options.tile_inputs * padded_inputs(options.tile_inputs));
      term.tile = static_cast<std::uint32_t>(first / options.tile_inputs);
      term.slice = static_cast<std::uint16_t>(slice);
      term.phase = static_cast<std::uint16_t>(p);
      const bool is_negative = options.splits_sign && p % 2 == 1;
      const std::uint32_t digit = options.splits_sign ? p / 2 : p;
      const double weight =
          std::ldexp(is_negative ? -1.0 : 1.0, static_cast<int>(digit * options.digit_bits));
      const double slice_weight = std::ldexp(1.0, static_cast<int>(slice * options.slice_bits));
      term.is_held = options.holds_phases && p + 1 < planes;
      term.scale = options.holds_phases ? weight : 1.0;
      term.multiplier = options.holds_phases ? slice_weight : slice_weight * weight;
      term.output_variance = options.output_variance;
      term.read_variance = options.read_variance;
      term.adc_codes_per_unit = options.adc_codes_per_unit;
      term.adc_limit = options.adc_limit;
      terms.push_back(term);
    }
  }

  std::int16_t* new_panels(std::size_t size) {
    panels_.push_back(std::make_shared<std::vector<std::int16_t>>(size));
    return panels_.back()->data();
  }

  std::vector<std::shared_ptr<std::vector<std::int16_t>>> panels_;  // shared by copies: terms point into them
};

std::vector<const KernelTable*> all_tables() {
  std::vector<const KernelTable*> tables = cpu_tables();
  tables.push_back(&kernels(Backend::reference));
  return tables;
}

TEST(MvmTerms, SlicesAndDigitsAddUpToTheProductOfWholeNumbers) {
  for (const bool splits_sign : {false, true}) {
    for (const bool holds_phases : {false, true}) {
      const TermLayer layer({.splits_sign = splits_sign, .holds_phases = holds_phases});
      for (const KernelTable* table : all_tables()) {
        const std::vector<float> y = layer.run(*table, 2);
        for (std::size_t row = 0; row < layer.options.batch; ++row) {
          for (std::size_t o = 0; o < layer.options.outputs; ++o) {
            std::int64_t exact = 0;  // 24-bit weights, 12-bit inputs
            for (std::size_t j = 0; j < layer.options.inputs; ++j)
              exact += layer.weights[o * layer.options.inputs + j] * layer.code(row, j);
            ASSERT_EQ(y[row * layer.options.outputs + o],
                      static_cast<float>(static_cast<double>(exact) * layer.y_lsb))
                << table->name << (splits_sign ? ", split" : "") << (holds_phases ? ", held" : "");
          }
        }
      }
    }
  }
}

TEST(MvmTerms, EveryConversionHasAnAdcOfItsOwn) {
  // Steps of 16 and codes up to 31: powers of two, so that all arithmetic is exact in floats.
  for (const bool holds_phases : {false, true}) {
    const TermLayer layer({.holds_phases = holds_phases, .adc_codes_per_unit = 0x1p-6f, .adc_limit = 31.0f});
    std::int64_t expected_clips = 0;
    std::vector<float> expected;
    for (std::size_t row = 0; row < layer.options.batch; ++row) {
      for (std::size_t o = 0; o < layer.options.outputs; ++o) {
        double total = 0.0, held = 0.0;
        for (const MvmTerm& term : layer.terms) {
          held += static_cast<double>(layer.sum(row, o, term)) * term.scale;
          if (term.is_held) continue;
          const double code = std::nearbyint(held * 0x1p-6);
          expected_clips += std::abs(code) > 31.0;
          total += std::min(std::max(code, -31.0), 31.0) * term.multiplier;
          held = 0.0;
        }
        expected.push_back(static_cast<float>(total * layer.y_lsb));
      }
    }
    ASSERT_GT(expected_clips, 50);
    for (const KernelTable* table : all_tables()) {
      std::int64_t clips = 0;
      EXPECT_EQ(layer.run(*table, 1, 0, ~0u, &clips), expected) << table->name;
      EXPECT_EQ(clips, expected_clips) << table->name;
    }
  }
}

TEST(MvmTerms, HaveTheSameBitsForAnyInstructionSetThreadsAndBatchSplit) {
  for (const bool holds_phases : {false, true}) {
    const TermLayer layer({.batch = 101,
                           .splits_sign = true,
                           .holds_phases = holds_phases,
                           .output_variance = 100.0f,
                           .read_variance = 0.3f,
                           .adc_codes_per_unit = 0.02f});
    const std::vector<float> expected = layer.run(cpu_kernels("base"));
    for (const KernelTable* table : cpu_tables()) {
      for (const int threads : {1, 2, 3}) EXPECT_EQ(layer.run(*table, threads), expected) << table->name;
      for (const std::size_t part : {1u, 3u, 64u}) {
        std::vector<float> parts;
        for (std::size_t first = 0; first < layer.options.batch; first += part) {
          const std::vector<float> y = layer.run(*table, 1, first, part);
          parts.insert(parts.end(), y.begin(), y.end());
        }
        EXPECT_EQ(parts, expected) << table->name << ", parts of " << part;
      }
    }
  }
}

/// The noise of one term alone: nothing but zeros goes in, and only its code counts.
std::vector<float> noise_of_term(TermLayer layer, std::size_t term) {
  std::fill(layer.codes.begin(), layer.codes.end(), std::int16_t(0));
  layer.y_lsb = 1.0;
  for (std::size_t t = 0; t < layer.terms.size(); ++t) layer.terms[t].multiplier = t == term ? 1.0 : 0.0;
  return layer.run(kernels(Backend::cpu));
}

TEST(MvmTerms, NoiseOfEverySliceAndPhaseIsItsOwn) {
  // 2 tiles x 2 slices x 3 phases, 2000 x 17 draws each: unit variance and no correlation between any two,
  // within five standard errors.
  const TermLayer layer({.outputs = 17, .batch = 2000, .slices = 2, .digits = 3, .output_variance = 1.0f});
  std::vector<std::vector<float>> noise;
  for (std::size_t t = 0; t < layer.terms.size(); ++t) noise.push_back(noise_of_term(layer, t));
  ASSERT_EQ(noise.size(), 12u);
  const double n = static_cast<double>(noise[0].size());
  for (std::size_t a = 0; a < noise.size(); ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      double product = 0.0;
      for (std::size_t i = 0; i < noise[a].size(); ++i) product += double(noise[a][i]) * noise[b][i] / n;
      if (a == b) {
        EXPECT_NEAR(product, 1.0, 5.0 * std::sqrt(2.0 / n)) << a;
      } else {
        EXPECT_NEAR(product, 0.0, 5.0 / std::sqrt(n)) << a << ", " << b;
      }
    }
  }
}

TEST(MvmTerms, VariancesOfAHeldConversionAddUp) {
  // Three held phases with variances 1, 1 and 1 and one draw: 2000 x 17 samples, five standard errors.
  const TermLayer layer({.outputs = 17,
                         .tile_inputs = 51,
                         .batch = 2000,
                         .slices = 1,
                         .digits = 3,
                         .holds_phases = true,
                         .output_variance = 1.0f});
  const std::vector<float> noise = noise_of_term(layer, 2);
  double variance = 0.0;
  for (const float z : noise) variance += double(z) * z / static_cast<double>(noise.size());
  EXPECT_NEAR(variance / 3.0, 1.0, 5.0 * std::sqrt(2.0 / static_cast<double>(noise.size())));
}

TEST(MvmTerms, ReadNoiseOfAPhaseIsThatOfItsDigits) {
  // One product 4000 times; the variance of a phase is read_variance sum m_j digit_j^2, within five standard
  // errors of 4000 samples.
  TermLayer layer({.outputs = 17, .batch = 4000, .slices = 1, .digits = 2, .read_variance = 0.5f});
  const std::size_t stride = layer.inputs.code_stride;
  for (std::size_t i = stride; i < layer.codes.size(); ++i) {
    layer.codes[i] = layer.codes[i % stride];
    layer.squares[i] = layer.squares[i % stride];
  }
  layer.y_lsb = 1.0;
  for (std::size_t t = 0; t < layer.terms.size(); ++t) {
    TermLayer alone = layer;
    for (std::size_t u = 0; u < layer.terms.size(); ++u) alone.terms[u].multiplier = t == u ? 1.0 : 0.0;
    const std::vector<float> y = alone.run(kernels(Backend::cpu));
    const MvmTerm& term = layer.terms[t];
    for (std::size_t o = 0; o < 17; ++o) {
      double expected = 0.0, mean = static_cast<double>(layer.sum(0, o, term)), variance = 0.0;
      for (std::size_t j = 0; j < term.inputs; ++j) {
        expected += 0.5 * term.magnitudes[integer_panel_index(o, j, term.inputs)] *
                    std::pow(layer.codes[term.first_input + j], 2);
      }
      for (std::size_t row = 0; row < 4000; ++row) variance += std::pow(y[row * 17 + o] - mean, 2) / 4000.0;
      EXPECT_NEAR(variance / expected, 1.0, 5.0 * std::sqrt(2.0 / 4000.0)) << t << ", " << o;
    }
  }
}

}  // namespace
}  // namespace mq
