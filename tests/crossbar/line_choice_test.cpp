#include "meltquench/crossbar/line_choice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "meltquench/core/random.h"
#include "meltquench/devices/faults.h"

namespace mq {
namespace {

constexpr std::size_t kOutputs = 24, kInputs = 20;

float uniform(std::uint32_t seed, std::uint32_t stream, std::size_t i) {
  return Rng<float>(RngKey(seed, Purpose::sampling, stream), static_cast<std::uint32_t>(i)).uniform();
}

/// The plus and the minus side of uniform weights with conductances up to 1, of which a share `stuck` is
/// stuck at 0 or 1.
std::vector<ArrayDefects> pair_of_arrays(std::uint32_t seed, double stuck, const LineMap& map) {
  std::vector<ArrayDefects> arrays(2);
  for (std::uint32_t side = 0; side < 2; ++side) {
    ArrayDefects& array = arrays[side];
    array.weight_per_siemens = side == 0 ? 1.0 : -1.0;
    for (std::size_t i = 0; i < map.outputs.size() * map.inputs.size(); ++i) {
      const float w = 2.0f * uniform(seed, 0, i) - 1.0f;
      array.targets.push_back(std::max(side == 0 ? w : -w, 0.0f));
    }
    for (std::size_t i = 0; i < map.bit_lines * map.word_lines; ++i) {
      const float u = uniform(seed, 1 + side, i);
      array.found.push_back(u < stuck ? std::round(uniform(seed, 3 + side, i)) : kWorkingCell);
    }
  }
  return arrays;
}

void expect_a_map(const LineMap& map) {
  for (const auto& [lines, count] : {std::pair(map.outputs, map.bit_lines), {map.inputs, map.word_lines}}) {
    EXPECT_EQ(std::set<std::uint32_t>(lines.begin(), lines.end()).size(), lines.size());
    for (const std::uint32_t line : lines) EXPECT_LT(line, count);
  }
}

TEST(LineChoice, ErrorIsThatOfTheWeightsOnTheirCells) {
  LineMap map = LineMap::in_order(kOutputs, kInputs, 3, 2);
  std::reverse(map.outputs.begin(), map.outputs.end());
  map.inputs[4] = 21;
  const std::vector<ArrayDefects> arrays = pair_of_arrays(1, 0.2, map);
  double sum = 0.0;
  for (std::size_t o = 0; o < kOutputs; ++o) {
    for (std::size_t j = 0; j < kInputs; ++j) {
      double error = 0.0;
      for (const ArrayDefects& a : arrays) {
        const double found = a.found[map.cell(o, j)], target = a.targets[o * kInputs + j];
        if (found >= 0.0) error += a.weight_per_siemens * (found - target);
      }
      sum += error * error;
    }
  }
  EXPECT_NEAR(squared_error(map, arrays), sum, 1e-10 * sum);
}

TEST(LineChoice, FailingCellsCountWithTheVarianceOfWhatTheyHold) {
  const LineMap map = LineMap::in_order(3, 3, 1);
  std::vector<ArrayDefects> arrays = pair_of_arrays(1, 0.0, map);
  arrays[1].found[4] = kFailingCell;
  arrays[1].failing_deviation = 0.2f;
  EXPECT_NEAR(squared_error(map, arrays), 0.04, 1e-8);
  const LineMap replaced = choose_lines(Remap::replace, map, arrays);
  EXPECT_EQ(replaced.outputs, (std::vector<std::uint32_t>{0, 3, 2}));
  EXPECT_EQ(replaced.inputs, map.inputs);
}

TEST(LineChoice, SpareLinesTakeAllFaultsWhereThereAreEnoughOfThem) {
  const LineMap map = LineMap::in_order(kOutputs, kInputs, 2, 1);
  std::vector<ArrayDefects> arrays = pair_of_arrays(1, 0.0, map);
  // Bit lines 5 and 9 and word line 3 hold nothing but stuck cells, in the end on all other lines.
  for (std::size_t p = 0; p < map.bit_lines; ++p) {
    for (std::size_t q = 0; q < map.word_lines; ++q) {
      if (p == 5 || p == 9 || q == 3) arrays[p % 2].found[p * map.word_lines + q] = 0.7f;
    }
  }
  for (const Remap how : {Remap::replace, Remap::permute}) {
    const LineMap chosen = choose_lines(how, map, arrays);
    expect_a_map(chosen);
    EXPECT_EQ(squared_error(chosen, arrays), 0.0);
    EXPECT_GE(chosen.outputs[5], kOutputs);
    EXPECT_GE(chosen.outputs[9], kOutputs);
    EXPECT_GE(chosen.inputs[3], kInputs);
  }
}

TEST(LineChoice, MoreFreedomNeverGivesALargerError) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const LineMap map = LineMap::in_order(kOutputs, kInputs, seed % 4, seed % 3);
    const std::vector<ArrayDefects> arrays = pair_of_arrays(seed, 0.002 * seed, map);
    const LineMap replaced = choose_lines(Remap::replace, map, arrays),
                  permuted = choose_lines(Remap::permute, map, arrays);
    expect_a_map(replaced);
    expect_a_map(permuted);
    EXPECT_EQ(choose_lines(Remap::none, map, arrays), map);
    const double none = squared_error(map, arrays), spared = squared_error(replaced, arrays),
                 least = squared_error(permuted, arrays);
    EXPECT_LE(spared, none);
    EXPECT_LE(least, spared);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      EXPECT_TRUE(replaced.outputs[o] == o || replaced.outputs[o] >= kOutputs);
    }
    EXPECT_EQ(choose_lines(Remap::permute, map, arrays), permuted) << "a choice must not depend on the run";
  }
}

TEST(LineChoice, OfOneKindOfLinesIsTheBestOfAllPermutations) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    // One word line: nothing is to be chosen but the order of the outputs.
    const LineMap map = LineMap::in_order(6, 1);
    const std::vector<ArrayDefects> arrays = pair_of_arrays(seed, 0.4, map);
    LineMap other = map;
    double least = squared_error(other, arrays);
    while (std::next_permutation(other.outputs.begin(), other.outputs.end())) {
      least = std::min(least, squared_error(other, arrays));
    }
    EXPECT_NEAR(squared_error(choose_lines(Remap::permute, map, arrays), arrays), least, 1e-12);
  }
}

TEST(LineChoice, OutputsCountWithTheirFullScale) {
  const LineMap map = LineMap::in_order(3, 2, 1);
  std::vector<ArrayDefects> arrays = pair_of_arrays(5, 0.0, map);
  // Two bit lines err alike, and there is one to spare.
  for (const std::size_t line : {0u, 1u}) arrays[0].found[2 * line] = arrays[0].targets[2 * line] + 0.5f;
  const std::vector<float> scales = {1.0f, 3.0f, 1.0f}, others = {3.0f, 1.0f, 1.0f};
  EXPECT_NEAR(squared_error(map, arrays, scales), 0.25 * (1.0 + 9.0), 1e-6);
  EXPECT_EQ(choose_lines(Remap::replace, map, arrays, scales).outputs, (std::vector<std::uint32_t>{0, 3, 2}));
  EXPECT_EQ(choose_lines(Remap::replace, map, arrays, others).outputs, (std::vector<std::uint32_t>{3, 1, 2}));
}

TEST(LineChoice, AStuckCellUnderAWeightThatItRepresentsIsLeftWhereItIs) {
  const LineMap map = LineMap::in_order(kOutputs, kInputs, 1, 1);
  std::vector<ArrayDefects> arrays = pair_of_arrays(3, 0.0, map);
  arrays[0].found[7 * map.word_lines + 4] = arrays[0].targets[7 * kInputs + 4];
  EXPECT_EQ(choose_lines(Remap::replace, map, arrays), map);
  EXPECT_EQ(choose_lines(Remap::permute, map, arrays), map);
}

}  // namespace
}  // namespace mq
