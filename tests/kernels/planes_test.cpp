#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "patch_codes_cases.h"
#include "tables.h"

namespace mq {
namespace {

std::vector<const KernelTable*> all_tables() {
  std::vector<const KernelTable*> tables = cpu_tables();
  tables.push_back(&kernels(Backend::reference));
  return tables;
}

TEST(LargestMagnitude, LooksAtEveryElement) {
  for (const KernelTable* table : all_tables()) {
    EXPECT_EQ(table->largest_magnitude(Exec{}, nullptr, 0), 0.0f);
    for (const std::size_t size : {1u, 7u, 8u, 9u, 33u}) {
      std::vector<float> values = uniforms(size, 5);
      for (std::size_t i = 0; i < size; ++i) {
        const float old = values[i];
        values[i] = -2.0f - static_cast<float>(i);
        EXPECT_EQ(table->largest_magnitude(Exec{}, values.data(), size), 2.0f + static_cast<float>(i));
        values[i] = old;
      }
    }
  }
}

TEST(PackPlane, PutsEveryConductanceInItsPanelAndPadsWithZeros) {
  for (const KernelTable* table : all_tables()) {
    for (const std::size_t outputs : {1u, 15u, 16u, 17u, 33u}) {
      for (const std::size_t inputs : {1u, 2u, 15u, 33u}) {
        const std::vector<float> plane = uniforms(outputs * inputs, 6, -25e-6f, 25e-6f);
        const std::size_t size = padded_outputs(outputs) * padded_inputs(inputs);  // of panels of the CPU
        std::vector<std::int16_t> codes(size, 99), magnitudes(size, 99);
        std::vector<float> floats(size, 99.0f);
        const float scale = 32767 / 25e-6f, magnitude_scale = 127 / 25e-6f;
        const std::int64_t sum = table->pack_plane(Exec{}, {.plane = plane.data(),
                                                            .outputs = outputs,
                                                            .inputs = inputs,
                                                            .codes_per_siemens = scale,
                                                            .magnitudes_per_siemens = magnitude_scale,
                                                            .codes = codes.data(),
                                                            .magnitudes = magnitudes.data(),
                                                            .floats = floats.data()});
        std::int64_t expected = 0, found = 0;
        for (std::size_t o = 0; o < outputs; ++o) {
          for (std::size_t j = 0; j < inputs; ++j) {
            const float g = plane[o * inputs + j];
            const std::size_t at = integer_panel_index(o, j, inputs);
            ASSERT_EQ(codes[at], std::lrint(double(g * scale)));
            ASSERT_EQ(magnitudes[at], std::lrint(double(std::abs(g) * magnitude_scale)));
            ASSERT_EQ(floats[float_panel_index(o, j, inputs)], g);
            expected += std::abs(codes[at]);
          }
        }
        for (const std::int16_t code : codes) found += std::abs(code);  // padding holds nothing
        EXPECT_EQ(sum, expected);
        EXPECT_EQ(found, expected);
      }
    }
  }
}

struct Quantized {
  std::vector<std::int16_t> codes;
  ConverterCounts counts;
};

Quantized quantize(const KernelTable& table, const std::vector<float>& x, std::size_t inputs,
                   std::size_t block, int bits, float range, int threads = 1) {
  const std::size_t batch = x.size() / inputs, stride = (inputs + block - 1) / block * padded_inputs(block);
  const float limit = static_cast<float>((1 << (bits - 1)) - 1);
  Quantized q{std::vector<std::int16_t>(batch * stride, 99), {}};
  table.quantize_inputs(Exec{.threads = threads}, {.x = x.data(),
                                                   .batch = batch,
                                                   .inputs = inputs,
                                                   .block = block,
                                                   .codes_per_unit = limit / range,
                                                   .code_limit = limit,
                                                   .codes = q.codes.data(),
                                                   .code_stride = stride,
                                                   .counts = &q.counts});
  return q;
}

TEST(QuantizeInputs, RoundsToTheNearestCodeAndCountsWhatItCuts) {
  for (const KernelTable* table : all_tables()) {
    const std::vector<float> x{0.0f, 1.0f, -1.0f, 0.5f, 1.004f, -3.0f, 1e30f, INFINITY};
    const Quantized q = quantize(*table, x, 8, 8, 8, 1.0f);
    EXPECT_EQ(q.codes,
              (std::vector<std::int16_t>{0, 127, -127, 64, 127, -127, 127, 127}));  // 63.5 goes to even
    EXPECT_EQ(q.counts.dac_clips, 4);
    EXPECT_EQ(q.counts.sum_of_codes, 127 * 6 + 64);
  }
}

TEST(QuantizeInputs, CodesNeverFallWhereInputsRise) {
  for (const KernelTable* table : all_tables()) {
    for (const int bits : {2, 4, 8, 12}) {
      std::vector<float> ramp(20001);
      for (std::size_t i = 0; i < ramp.size(); ++i) ramp[i] = -1.2f + 2.4f * static_cast<float>(i) / 20000.0f;
      const Quantized q = quantize(*table, ramp, ramp.size(), ramp.size(), bits, 1.0f);
      int steps = 0;
      for (std::size_t i = 1; i < ramp.size(); ++i) {
        const int step = q.codes[i] - q.codes[i - 1];
        ASSERT_TRUE(step == 0 || step == 1);
        steps += step;
      }
      EXPECT_EQ(steps, 2 * ((1 << (bits - 1)) - 1)) << "every code is used";
    }
  }
}

TEST(QuantizeInputs, TheErrorHasTheVarianceOfAUniformStep) {
  // step^2 / 12 for 1e5 inputs spread over many steps; the error of one input is uniform with kurtosis 1.8,
  // so the standard error of its variance is variance sqrt(0.8 / n).
  const std::size_t n = 100'000;
  const std::vector<float> x = uniforms(n, 8);
  const Quantized q = quantize(kernels(Backend::cpu), x, n, n, 8, 1.0f);
  double square = 0.0;
  for (std::size_t i = 0; i < n; ++i)
    square += std::pow(q.codes[i] / 127.0 - x[i], 2) / static_cast<double>(n);
  const double expected = 1.0 / (127.0 * 127.0) / 12.0;
  EXPECT_NEAR(square, expected, 5.0 * expected * std::sqrt(0.8 / static_cast<double>(n)));
}

TEST(QuantizeInputs, CutsInputsIntoPaddedBlocksTheSameOnEveryTable) {
  for (const std::size_t inputs : {1u, 15u, 16u, 17u, 33u}) {
    for (const std::size_t block : {1u, 5u, 16u, 33u}) {
      const std::vector<float> x = uniforms(13 * inputs, 9, -1.1f, 1.1f);
      const Quantized expected = quantize(kernels(Backend::reference), x, inputs, block, 8, 1.0f);
      for (std::size_t j = 0; j < inputs; ++j) {
        const std::size_t at = j / block * padded_inputs(block) + j % block;
        EXPECT_EQ(expected.codes[at], std::lrint(std::min(std::max(double(x[j] * 127.0f), -127.0), 127.0)));
      }
      for (const KernelTable* table : cpu_tables()) {
        for (const int threads : {1, 2, 3}) {
          const Quantized q = quantize(*table, x, inputs, block, 8, 1.0f, threads);
          EXPECT_EQ(q.codes, expected.codes) << table->name;
          EXPECT_EQ(q.counts.dac_clips, expected.counts.dac_clips);
          EXPECT_EQ(q.counts.sum_of_codes, expected.counts.sum_of_codes);
        }
      }
    }
  }
}

TEST(QuantizeInputs, DigitsAndSignsAddUpToTheWholeCode) {
  // 12-bit codes, 3-bit digits, blocks of odd size; planes one after the other in each row.
  const std::size_t inputs = 37, block = 19, batch = 5;
  const std::vector<float> x = uniforms(batch * inputs, 10, -1.1f, 1.1f);
  const std::vector<std::int16_t> whole = quantize(kernels(Backend::cpu), x, inputs, block, 12, 1.0f).codes;
  for (const bool splits_sign : {false, true}) {
    for (const KernelTable* table : all_tables()) {
      ConverterCounts counts;
      QuantizeInputs op{.x = x.data(),
                        .batch = batch,
                        .inputs = inputs,
                        .block = block,
                        .codes_per_unit = 2047.0f,
                        .code_limit = 2047.0f,
                        .counts = &counts,
                        .digit_bits = 3,
                        .digits = 4,
                        .splits_sign = splits_sign};
      op.code_stride = op.planes() * op.plane_stride();
      std::vector<std::int16_t> codes(batch * op.code_stride, 99), squares(codes);
      op.codes = codes.data();
      op.squares = squares.data();
      table->quantize_inputs(Exec{.threads = 2}, op);
      std::int64_t sum = 0;
      for (std::size_t i = 0; i < codes.size(); ++i) {
        ASSERT_LE(std::abs(codes[i]), 7);
        ASSERT_EQ(squares[i], codes[i] * codes[i]);
        sum += std::abs(codes[i]);
      }
      EXPECT_EQ(counts.sum_of_codes, sum);
      for (std::size_t row = 0; row < batch; ++row) {
        for (std::size_t at = 0; at < op.plane_stride(); ++at) {
          std::int32_t code = 0;
          for (std::size_t p = 0; p < op.planes(); ++p) {
            const std::int32_t digit = codes[row * op.code_stride + p * op.plane_stride() + at];
            const std::int32_t weight = 1 << 3 * (splits_sign ? p / 2 : p);
            ASSERT_TRUE(!splits_sign || digit >= 0);
            code += splits_sign && p % 2 == 1 ? -digit * weight : digit * weight;
          }
          ASSERT_EQ(code, whole[row * op.plane_stride() + at]) << table->name;
        }
      }
    }
  }
}

TEST(QuantizePatches, GivesTheCodesAndCountsOfGatheredPatchesOnEveryTable) {
  for (const PatchCodesCase& c : patch_codes_cases()) {
    std::vector<float> images = uniforms(c.pixels(), 10, -2.0f, 2.0f);
    images[1] = std::nanf("");
    const PatchCodes expected = patch_codes(kernels(Backend::reference), {}, c, images, true);
    EXPECT_GT(expected.clips, 0);
    for (const KernelTable* table : all_tables()) {
      for (const int threads : {1, 3}) {
        EXPECT_TRUE(patch_codes(*table, {.threads = threads}, c, images, false) == expected)
            << table->name << ", " << c.text();
      }
    }
  }
}

}  // namespace
}  // namespace mq
