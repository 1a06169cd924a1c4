#include "meltquench/kernels/mvm.h"

#include <gtest/gtest.h>

#include <string>

#include "meltquench/core/digest.h"
#include "meltquench/kernels/reference/mvm.h"
#include "mvm_layer.h"

namespace mq {
namespace {

const std::size_t kOdd[] = {1, 15, 16, 17, 33};
const Direction kDirections[] = {Direction::forward, Direction::transposed};

TEST(Mvm, IntegerProductsEqual64BitArithmetic) {
  for (const Direction direction : kDirections) {
    for (const std::size_t outputs : kOdd) {
      for (const std::size_t inputs : kOdd) {
        TestLayer layer({.outputs = outputs,
                         .inputs = inputs,
                         .tile_outputs = outputs,
                         .tile_inputs = inputs,
                         .batch = 7,
                         .direction = direction});
        layer.terms[0].scale = 1.0f;
        for (const KernelTable* table : cpu_tables()) {
          const std::vector<float> y = layer.run(*table);
          EXPECT_EQ(y, layer.run(kernels(Backend::reference))) << table->name;
          for (std::size_t row = 0; row < 7; ++row) {
            for (std::size_t o = 0; o < layer.to; ++o) {
              std::int64_t sum = 0;
              for (std::size_t j = 0; j < layer.from; ++j) {
                sum += static_cast<std::int64_t>(layer.weight(o, j)) *
                       static_cast<std::int64_t>(layer.input(row, j));
              }
              ASSERT_EQ(y[row * layer.to + o], static_cast<float>(sum))
                  << table->name << outputs << "x" << inputs;
            }
          }
        }
      }
    }
  }
}

TEST(Mvm, SumsThatNeedMoreThan32BitsAreExact) {
  // The largest codes everywhere: 12 bits overflow 32-bit sums after 32 inputs, 8 bits after 517.
  for (const Direction direction : kDirections) {
    for (const int bits : {8, 12}) {
      for (const std::size_t inputs : {31u, 32u, 33u, 515u, 516u, 517u, 518u, 2047u}) {
        const std::size_t rows = direction == Direction::forward ? 17 : inputs,
                          columns = direction == Direction::forward ? inputs : 17;
        TestLayer layer({.outputs = rows,
                         .inputs = columns,
                         .tile_outputs = rows,
                         .tile_inputs = columns,
                         .batch = 7,
                         .dac_bits = bits,
                         .is_extreme = true,
                         .direction = direction});
        layer.terms[0].scale = 1.0f;
        const std::int64_t exact =
            -std::int64_t(32767) * ((1 << (bits - 1)) - 1) * static_cast<std::int64_t>(inputs);
        for (const KernelTable* table : cpu_tables()) {
          for (const float y : layer.run(*table))
            ASSERT_EQ(y, static_cast<float>(exact)) << table->name << ", " << inputs;
        }
      }
    }
  }
}

TEST(Mvm, TwelveBitCodesOfAnySignAreExactToo) {
  for (const Direction direction : kDirections) {
    TestLayer layer({.outputs = 133,
                     .inputs = 1001,
                     .tile_outputs = 133,
                     .tile_inputs = 1001,
                     .batch = 7,
                     .dac_bits = 12,
                     .direction = direction});
    layer.terms[0].scale = 1.0f;
    const std::vector<float> expected = layer.run(kernels(Backend::reference));
    for (const KernelTable* table : cpu_tables()) EXPECT_EQ(layer.run(*table), expected) << table->name;
  }
}

TEST(Mvm, LongSumsOfManyRowsHaveTheSameBitsOnEveryInstructionSet) {
  for (const Direction direction : kDirections) {
    for (const std::size_t batch : {8, 16, 17, 45, 97}) {  // around the rows that a matrix unit takes
      for (const std::size_t depth : {20, 32, 512, 1001}) {
        const TestLayer layer({.outputs = 53,
                               .inputs = depth,
                               .tile_outputs = 53,
                               .tile_inputs = depth,
                               .batch = batch,
                               .read_sigma = 0.2f,
                               .direction = direction});
        const std::vector<float> expected = layer.run(cpu_kernels("base"));
        for (const KernelTable* table : cpu_tables()) {
          EXPECT_EQ(layer.run(*table), expected) << table->name << ", " << batch << " x " << depth;
        }
      }
    }
  }
}

struct Variant {
  const char* name;
  int dac_bits, adc_bits;
  float output_sigma, read_sigma;
  Direction direction = Direction::forward;
};
const Variant kVariants[] = {{"float", 0, 0, 0.0f, 0.0f},          {"float, noisy", 0, 0, 0.1f, 0.05f},
                             {"float, ADC", 0, 8, 0.1f, 0.0f},     {"DAC", 8, 0, 0.0f, 0.0f},
                             {"DAC, noisy", 8, 0, 0.1f, 0.05f},    {"DAC, ADC", 8, 8, 0.0f, 0.0f},
                             {"all", 8, 8, 0.1f, 0.05f},           {"12 bits, all", 12, 12, 0.1f, 0.05f},
                             {"read noise only", 8, 6, 0.0f, 0.2f}};

std::vector<Variant> both_ways() {
  std::vector<Variant> variants;
  for (const Direction direction : kDirections) {
    for (Variant v : kVariants) {
      v.direction = direction;
      variants.push_back(v);
    }
  }
  return variants;
}

TEST(Mvm, HasTheSameBitsOnEveryInstructionSetAndThreadCount) {
  for (const Variant& v : both_ways()) {
    for (const std::size_t outputs : kOdd) {
      const TestLayer layer({.outputs = outputs + 20,
                             .inputs = 50,
                             .tile_outputs = outputs,
                             .batch = 61,
                             .dac_bits = v.dac_bits,
                             .adc_bits = v.adc_bits,
                             .output_sigma = v.output_sigma,
                             .read_sigma = v.read_sigma,
                             .direction = v.direction});
      std::int64_t clips = 0, expected_clips = 0;
      const std::vector<float> expected = layer.run(cpu_kernels("base"), 1, 0, ~0u, &expected_clips);
      for (const KernelTable* table : cpu_tables()) {
        for (const int threads : {1, 2, 3}) {
          EXPECT_EQ(layer.run(*table, threads, 0, ~0u, &clips), expected) << table->name << ", " << v.name;
          EXPECT_EQ(clips, expected_clips);
        }
      }
    }
  }
}

TEST(Mvm, DoesNotDependOnHowABatchIsSplit) {
  for (const Variant& v : both_ways()) {
    const TestLayer layer({.batch = 70,
                           .dac_bits = v.dac_bits,
                           .adc_bits = v.adc_bits,
                           .output_sigma = v.output_sigma,
                           .read_sigma = v.read_sigma,
                           .direction = v.direction});
    for (const KernelTable* table : cpu_tables()) {
      const std::vector<float> whole = layer.run(*table);
      for (const std::size_t part : {1u, 2u, 3u, 7u, 64u}) {
        std::vector<float> parts;
        for (std::size_t first = 0; first < 70; first += part) {
          const std::vector<float> y = layer.run(*table, 1, first, part);
          parts.insert(parts.end(), y.begin(), y.end());
        }
        EXPECT_EQ(parts, whole) << table->name << ", " << v.name << ", parts of " << part;
      }
    }
  }
}

TEST(Mvm, AgreesWithTheDoublePrecisionOracle) {
  for (const Variant& v : both_ways()) {
    const TestLayer layer({.outputs = 70,
                           .inputs = 130,
                           .tile_outputs = 33,
                           .tile_inputs = 64,
                           .batch = 61,
                           .dac_bits = v.dac_bits,
                           .adc_bits = v.adc_bits,
                           .output_sigma = v.output_sigma,
                           .read_sigma = v.read_sigma,
                           .direction = v.direction});
    const std::vector<float> exact = layer.run(kernels(Backend::reference));
    for (const KernelTable* table : cpu_tables()) {
      const std::vector<float> y = layer.run(*table);
      double worst = 0.0;
      int differing = 0;
      for (std::size_t i = 0; i < y.size(); ++i) {
        worst = std::max(worst, std::abs(double(y[i]) - exact[i]));
        differing += y[i] != exact[i];
      }
      if (v.adc_bits == 0) {
        EXPECT_LT(worst, 4e-6) << table->name << ", " << v.name;
      } else {
        // A float sum may round to the code beside where it lies within 1e-6 of the border of two: seldom,
        // and by one.
        const double step = 1.01 * layer.options.adc_range / layer.terms[0].adc_limit;
        EXPECT_LT(worst, 1.01 * step) << table->name << ", " << v.name;
        EXPECT_LT(differing, static_cast<int>(y.size() / 200)) << table->name << ", " << v.name;
      }
    }
  }
}

TEST(Mvm, TheAdcCutsAndCountsWhatIsBeyondItsRange) {
  const TestLayer layer({.outputs = 17,
                         .inputs = 64,
                         .tile_outputs = 17,
                         .tile_inputs = 64,
                         .batch = 30,
                         .adc_bits = 6,
                         .adc_range = 2.0f});
  const TestLayer ideal({.outputs = 17, .inputs = 64, .tile_outputs = 17, .tile_inputs = 64, .batch = 30});
  const std::vector<float> exact = ideal.run(kernels(Backend::cpu));
  std::int64_t expected = 0;
  for (const float y : exact) expected += std::abs(std::nearbyint(y * 31.0f / 2.0f)) > 31.0f;
  ASSERT_GT(expected, 20);
  for (const KernelTable* table :
       {&kernels(Backend::cpu), &cpu_kernels("base"), &kernels(Backend::reference)}) {
    std::int64_t clips = 0;
    const std::vector<float> y = layer.run(*table, 1, 0, ~0u, &clips);
    EXPECT_EQ(clips, expected) << table->name;
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_NEAR(y[i], std::min(std::max(exact[i], -2.0f), 2.0f), 1.01 / 31.0) << table->name;
    }
  }
}

TEST(Mvm, ANoisyProductIsTheSameForEver) {
  // A golden value: with 8-bit converters, read noise, output noise and 3 x 3 tiles on every instruction set.
  const TestLayer layer(
      {.outputs = 70, .inputs = 50, .adc_bits = 8, .output_sigma = 0.1f, .read_sigma = 0.05f});
  for (const KernelTable* table : cpu_tables()) {
    const std::vector<float> y = layer.run(*table);
    const std::string_view bytes(reinterpret_cast<const char*>(y.data()), y.size() * sizeof(float));
    EXPECT_EQ(sha256(bytes), "269a9c9ae38e48356f2d81610948df4169e87fb6826a9e3e33dc80edf0fc4f9d")
        << table->name;
  }
}

}  // namespace
}  // namespace mq
