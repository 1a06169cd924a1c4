#include <gtest/gtest.h>

#include <cstring>

#include "tables.h"
#include "training_step_cases.h"

namespace mq {
namespace {

void expect_bits(const TrainingOutcome& found, const TrainingOutcome& expected, const std::string& what) {
  ASSERT_EQ(found.floats.size(), expected.floats.size()) << what;
  for (std::size_t i = 0; i < found.floats.size(); ++i) {
    ASSERT_EQ(to_bits(found.floats[i]), to_bits(expected.floats[i]))
        << what << ", element " << i << ": " << found.floats[i] << " instead of " << expected.floats[i];
  }
  EXPECT_EQ(found.integers, expected.integers) << what;
}

void check(const std::vector<TrainingCase>& cases) {
  std::vector<const KernelTable*> tables = cpu_tables();
  tables.push_back(&kernels(Backend::reference));
  for (const TrainingCase& each : cases) {
    const TrainingOutcome expected = each.expected();
    for (const KernelTable* table : tables) {
      for (const int threads : {1, 3}) {
        expect_bits(each.run(*table, {.threads = threads}), expected, each.name + " on " + table->name);
      }
    }
  }
}

TEST(TrainingOps, OnImagesAreThoseOfPlainLoopsOnEveryInstructionSet) { check(image_cases()); }
TEST(TrainingOps, OfNetworksAndOptimizersAreThoseOfPlainLoopsOnEveryInstructionSet) { check(step_cases()); }

/// Whether all values fit.
bool add(const KernelTable& table, const std::vector<float>& values, std::vector<std::int64_t>& sums) {
  std::int64_t beyond = 0;
  table.training.add_fixed_point(
      {}, {.size = values.size(), .values = values.data(), .sums = sums.data(), .beyond = &beyond});
  return beyond == 0;
}

TEST(FixedPoint, ConvertsToTheNearestIntegerOnEveryInstructionSet) {
  std::vector<float> values{0.0f,     1.0f,     -1.0f,   0x1p-40f, -0x1p-40f, 0x1.8p-40f,
                            0x1p-41f, 0x1p-60f, 1023.9f, -512.0f,  3e-7f,     0x1.fffffep-17f};
  for (const float more : uniforms(1000, 3, -900.0f, 900.0f)) values.push_back(more);
  for (const KernelTable* table : cpu_tables()) {
    std::vector<std::int64_t> sums(values.size(), 5);
    ASSERT_TRUE(add(*table, values, sums));
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(sums[i] - 5, std::llrint(double(values[i]) * 0x1p40)) << values[i] << " on " << table->name;
    }
  }
}

TEST(FixedPoint, SumsAreTheSameInAnyOrder) {
  constexpr std::size_t kParts = 50, kSize = 1000;
  std::vector<std::vector<float>> parts(kParts, std::vector<float>(kSize));
  for (std::size_t p = 0; p < kParts; ++p) {
    for (std::size_t i = 0; i < kSize; ++i) {
      Rng<float> rng(RngKey(1, Purpose::sampling), static_cast<std::uint32_t>(i),
                     static_cast<std::uint32_t>(p));
      parts[p][i] = rng.normal() * std::ldexp(1.0f, static_cast<int>(p) - 45);
    }
  }
  const KernelTable& table = kernels(Backend::cpu);
  std::vector<std::int64_t> forwards(kSize), backwards(kSize), halves(kSize), rest(kSize);
  for (std::size_t p = 0; p < kParts; ++p) ASSERT_TRUE(add(table, parts[p], forwards));
  for (std::size_t p = kParts; p-- > 0;) ASSERT_TRUE(add(table, parts[p], backwards));
  for (std::size_t p = 0; p < kParts; ++p) ASSERT_TRUE(add(table, parts[p], p % 2 == 0 ? halves : rest));
  table.training.add_integers({}, {.size = kSize, .from = rest.data(), .to = halves.data()});
  EXPECT_EQ(forwards, backwards);
  EXPECT_EQ(forwards, halves);
}

TEST(FixedPoint, TellsWhatDoesNotFit) {
  for (const float wrong : {1024.0f, -1024.0f, 1e30f, INFINITY, -INFINITY, NAN}) {
    for (const std::size_t place : {0, 3, 8, 40}) {
      std::vector<float> values(41, 1.0f);
      values[place] = wrong;
      std::vector<std::int64_t> sums(values.size());
      for (const KernelTable* table : cpu_tables()) EXPECT_FALSE(add(*table, values, sums)) << wrong;
    }
  }
}

/// The contract of clip_to_deviation, chain by chain.
double deviation_of(const std::vector<float>& values) {
  double sum = 0.0, squares = 0.0;
  for (std::size_t begin = 0; begin < values.size(); begin += kDeviationChunk) {
    const std::size_t end = std::min(begin + kDeviationChunk, values.size()), whole = (end - begin) / 4 * 4;
    double chain_sums[4] = {}, chain_squares[4] = {};
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t chain = i - begin < whole ? (i - begin) % 4 : 0;
      chain_sums[chain] += double(values[i]);
      chain_squares[chain] += double(values[i]) * double(values[i]);
    }
    sum += chain_sums[0] + chain_sums[1] + chain_sums[2] + chain_sums[3];
    squares += chain_squares[0] + chain_squares[1] + chain_squares[2] + chain_squares[3];
  }
  const double count = static_cast<double>(values.size()), mean = sum / count;
  return std::sqrt(std::max(0.0, squares / count - mean * mean));
}

TEST(ClipToDeviation, FollowsTheStatedChainsOnEveryInstructionSet) {
  for (const std::size_t size : {1u, 3u, 4u, 1000u, 8192u, 8193u, 30007u}) {
    const std::vector<float> values = uniforms(size, 4);
    const double deviation = deviation_of(values);
    std::vector<float> expected = values;
    const auto limit = static_cast<float>(1.25 * deviation);
    for (float& value : expected) value = std::clamp(value, -limit, limit);
    for (const KernelTable* table : cpu_tables()) {
      for (const int threads : {1, 3}) {
        std::vector<float> clipped = values;
        std::vector<double> scratch(deviation_scratch(size));
        table->training.clip_to_deviation(
            {.threads = threads},
            {.size = size, .sigmas = 1.25f, .values = clipped.data(), .scratch = scratch.data()});
        EXPECT_EQ(scratch.back(), deviation) << size << " on " << table->name;
        EXPECT_EQ(clipped, expected) << size << " on " << table->name;
      }
    }
  }
}

TEST(ClipToDeviation, LeavesTheValuesOfAFailedTraining) {
  const std::vector<float> values = uniforms(100, 5);
  std::vector<float> clipped = values;
  std::vector<double> scratch(deviation_scratch(100));
  const std::int64_t failed = 1;
  kernels(Backend::cpu)
      .training.clip_to_deviation({}, {.size = 100,
                                       .sigmas = 0.1f,
                                       .values = clipped.data(),
                                       .failed = &failed,
                                       .scratch = scratch.data()});
  EXPECT_EQ(clipped, values);
}

TEST(FindLargest, SkipsWhatIsNoNumber) {
  for (const std::size_t size : {0u, 1u, 31u, 33u, 100u}) {
    std::vector<float> values = uniforms(size, 6);
    float expected = 0.0f;
    for (const float value : values) expected = std::max(expected, std::abs(value));
    if (size > 40) values[40] = NAN, values[99] = -2.0f, expected = 2.0f;
    for (const KernelTable* table : cpu_tables()) {
      float largest = -1.0f;
      table->training.find_largest({}, values.data(), size, &largest);
      EXPECT_EQ(largest, expected) << size << " on " << table->name;
    }
  }
}

TEST(CloseStep, AddsCountsUntilAStepFailsAndRemembersTheFirstFailure) {
  std::int64_t epoch[kEpochCounts] = {};
  const auto close = [&](std::int64_t number, std::vector<std::int64_t> step) {
    kernels(Backend::cpu).training.close_step({}, {.step = step.data(), .number = number, .epoch = epoch});
    return std::vector<std::int64_t>(epoch, epoch + kEpochCounts);
  };
  using Counts = std::vector<std::int64_t>;
  EXPECT_EQ(close(1, {10, 3, 4, 0, 0}), (Counts{10, 3, 4, 0, 0, 0}));
  EXPECT_EQ(close(2, {5, 2, 4, 0, 0}), (Counts{15, 5, 8, 0, 0, 0}));
  EXPECT_EQ(close(3, {5, 2, 4, 0, 1}), (Counts{15, 5, 8, 0, 3, 0}));
  EXPECT_EQ(close(4, {5, 2, 4, 1, 0}), (Counts{15, 5, 8, 0, 3, 0}));
  std::fill(epoch, epoch + kEpochCounts, 0);
  EXPECT_EQ(close(9, {5, 2, 4, 1, 1}), (Counts{0, 0, 0, 0, 9, 1}));
}

}  // namespace
}  // namespace mq
