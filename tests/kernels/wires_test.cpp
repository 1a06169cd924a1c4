#include "meltquench/kernels/wires.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tables.h"

namespace mq {
namespace {

struct Array {
  std::size_t outputs, inputs;
  WireNetwork wires;
};

constexpr double kOpen = WireLine::kOpen;

/// More outputs than inputs and fewer, lines of each direction and with both ends, terminals, ideal lines.
std::vector<Array> arrays() {
  const WireNetwork input_source{.word = {2.0, 50.0}, .bit = {1.0, kOpen, 11.0}},
      reversed{.word = {2.0, kOpen, 2.0}, .bit = {5.0, 5.0, kOpen}},
      both_ends{.word = {4.0, 20.0, 20.0}, .bit = {3.0, 3.0, 9.0}},
      ideal_bit_line{.word = {3.0, 0.0}, .bit = {0.0, kOpen, 0.0}},
      ideal_word_line{.word = {0.0, 10.0, 30.0}, .bit = {5.0, kOpen, 5.0}};
  return {{1, 1, input_source}, {2, 3, both_ends},        {8, 8, reversed},         {9, 20, input_source},
          {20, 9, both_ends},   {12, 12, ideal_bit_line}, {7, 12, ideal_word_line}, {34, 33, input_source}};
}

/// Cells of 0.1 to 25 uS, some open; shorted ones make floats give way to doubles.
std::vector<float> conductances(std::size_t size, bool has_shorts = false) {
  std::vector<float> g = uniforms(size, 31, 0.1e-6f, 25e-6f);
  for (std::size_t k = 1; k < size; k += 29) g[k] = 0.0f;
  for (std::size_t k = 4; has_shorts && k < size; k += 97) g[k] = 1.0f;
  return g;
}

struct Result {
  std::vector<float> effective;
  std::int64_t failed;
};

Result solve(const KernelTable& table, const Array& array, const std::vector<float>& g, int threads = 1,
             int most_iterations = 1000) {
  Result result{std::vector<float>(g.size(), -1.0f), 0};
  result.failed = table.effective_matrix(Exec{.threads = threads}, {.wires = array.wires,
                                                                    .outputs = array.outputs,
                                                                    .inputs = array.inputs,
                                                                    .g = g.data(),
                                                                    .effective = result.effective.data(),
                                                                    .most_iterations = most_iterations});
  return result;
}

class EffectiveMatrix : public testing::TestWithParam<bool> {};  // whether cells are shorted

TEST_P(EffectiveMatrix, HasAMillionthOfErrorInEachRowOrColumn) {
  for (const Array& array : arrays()) {
    const std::vector<float> g = conductances(array.outputs * array.inputs, GetParam());
    const Result exact = solve(kernels(Backend::reference), array, g),
                 found = solve(kernels(Backend::cpu), array, g);
    EXPECT_EQ(exact.failed + found.failed, 0);
    const bool is_row = array.outputs <= array.inputs;
    const std::size_t sides = is_row ? array.outputs : array.inputs, size = g.size() / sides;
    const auto element = [&](std::size_t side, std::size_t k) {
      return is_row ? side * array.inputs + k : k * array.inputs + side;
    };
    for (std::size_t side = 0; side < sides; ++side) {
      float largest = 0.0f;
      for (std::size_t k = 0; k < size; ++k) largest = std::max(largest, exact.effective[element(side, k)]);
      for (std::size_t k = 0; k < size; ++k) {
        const std::size_t at = element(side, k);
        EXPECT_NEAR(found.effective[at], exact.effective[at], 1e-6f * largest)
            << array.outputs << " x " << array.inputs << ", element " << at;
      }
    }
  }
}

TEST_P(EffectiveMatrix, HasTheSameBitsOnEveryInstructionSetAndThreadCount) {
  for (const Array& array : arrays()) {
    const std::vector<float> g = conductances(array.outputs * array.inputs, GetParam());
    const std::vector<float> expected = solve(*cpu_tables().front(), array, g).effective;
    for (const KernelTable* table : cpu_tables()) {
      for (const int threads : {1, 3}) {
        EXPECT_EQ(solve(*table, array, g, threads).effective, expected) << table->name << ", " << threads;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OfCells, EffectiveMatrix, testing::Values(false, true), [](const auto& shorted) {
  return shorted.param ? "SomeOfThemShorted" : "NoneOfThemShorted";
});

TEST(EffectiveMatrixOf, IdealLinesIsTheConductances) {
  const Array array{5, 9, {}};
  const std::vector<float> g = conductances(45, true);
  for (const KernelTable* table : cpu_tables())
    EXPECT_EQ(solve(*table, array, g).effective, g) << table->name;
  EXPECT_EQ(solve(kernels(Backend::reference), array, g).effective, g);
}

TEST(EffectiveMatrixOf, ResistiveLinesIsSmallerThanTheConductances) {
  const Array array{24, 24, {.word = {5.0, 5.0}, .bit = {5.0, kOpen, 5.0}}};
  const std::vector<float> g = uniforms(24 * 24, 32, 1e-6f, 25e-6f);
  const std::vector<float> effective = solve(kernels(Backend::cpu), array, g).effective;
  float sum_of_drops = 0.0f;
  for (std::size_t k = 0; k < g.size(); ++k) sum_of_drops += 1.0f - effective[k] / g[k];
  EXPECT_GT(sum_of_drops / static_cast<float>(g.size()), 0.02f);
  // Far from the driver and from where the current is sensed, a cell loses most.
  EXPECT_LT(effective[23 * 24] / g[23 * 24], effective[23] / g[23]);
}

TEST(EffectiveMatrixOf, CellsThatNoiseTakesBelowZeroIsTheirs) {
  const Array array{24, 30, {.word = {5.0, 5.0}, .bit = {5.0, kOpen, 5.0}}};
  std::vector<float> g = uniforms(24 * 30, 33, -0.5e-6f, 1e-6f);
  for (std::size_t i = 0; i < 30; ++i)
    g[i] = i % 2 == 0 ? -1e-7f : 1e-7f;  // an output whose cells are all off
  const Result exact = solve(kernels(Backend::reference), array, g),
               found = solve(kernels(Backend::cpu), array, g);
  EXPECT_EQ(exact.failed + found.failed, 0);
  for (std::size_t k = 0; k < g.size(); ++k) {
    EXPECT_NEAR(found.effective[k], exact.effective[k], 1e-6f * (k < 30 ? 1e-7f : 1e-6f)) << "element " << k;
    EXPECT_EQ(found.effective[k] < 0.0f, g[k] < 0.0f) << "element " << k;
  }
}

TEST(EffectiveMatrixOf, AHarshArrayCountsWhatDidNotConverge) {
  const Array array{16, 16, {.word = {1e4, 1e4}, .bit = {1e4, kOpen, 1e4}}};
  const std::vector<float> g(256, 1e-3f);
  EXPECT_EQ(solve(kernels(Backend::cpu), array, g, 1, 1).failed, 16);
  EXPECT_EQ(solve(kernels(Backend::cpu), array, g).failed, 0);
}

}  // namespace
}  // namespace mq
