#include "meltquench/kernels/cell_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tables.h"

namespace mq {
namespace {

/// Read noise of `size` cells that stands at a moment; the same starts with the same `starts`.
struct Memory {
  std::vector<float> states, levels, deviates;

  explicit Memory(std::size_t size, int processes)
      : states(size * static_cast<std::size_t>(processes)), levels(size), deviates(size) {}
  friend bool operator==(const Memory&, const Memory&) = default;
};

constexpr double kRates[] = {0.01, 0.1, 1.0};

CellNoise step_of(Memory& memory, double seconds, std::uint64_t moment) {
  CellNoise op;
  op.size = memory.deviates.size();
  op.processes = 3;
  for (int k = 0; k < 3; ++k) {
    op.keep[k] = static_cast<float>(std::exp(-kRates[k] * seconds));
    op.fresh[k] = static_cast<float>(std::sqrt(-std::expm1(-2.0 * kRates[k] * seconds)));
  }
  op.weight = 0.7f;
  op.white = 0.3f;
  op.states = memory.states.data();
  op.levels = memory.levels.data();
  op.telegraph = TelegraphLaw(CellNoiseParams{.correlated = true, .telegraph_share = 0.4});
  op.seconds = static_cast<float>(seconds);
  op.key = RngKey(5, Purpose::cell_noise).at_moment(moment);
  op.device = RngKey(5, Purpose::fabrication);
  op.deviates = memory.deviates.data();
  return op;
}

Memory started(const KernelTable& table, const Exec& exec, std::size_t size) {
  Memory memory(size, 3);
  CellNoise op = step_of(memory, 0.0, 1);
  op.starts = true;
  table.step_cell_noise(exec, op);
  return memory;
}

TEST(CellNoise, HasTheSameBitsOnEveryTableAndThreadCount) {
  for (const std::size_t size : {1, 17, 4101, 10000}) {
    const auto path = [&](const KernelTable& table, int threads) {
      const Exec exec{.threads = threads};
      Memory memory = started(table, exec, size);
      for (std::uint64_t n = 2; n < 4; ++n) table.step_cell_noise(exec, step_of(memory, 3.0 * double(n), n));
      return memory;
    };
    const Memory expected = path(kernels(Backend::reference), 1);
    for (const KernelTable* table : cpu_tables()) {
      for (const int threads : {1, 3}) EXPECT_EQ(path(*table, threads), expected) << table->name << size;
    }
  }
}

TEST(CellNoise, OneLongStepEqualsTenShortOnesInLaw) {
  // 2e5 cells. Of a stationary process the covariance of start and end is weight^2 sum e^(-rate 10 s), the
  // variance stays what it was; so it is for telegraph noise, whose part is checked by the mean square.
  constexpr std::size_t kCells = 200'000;
  const KernelTable& table = kernels(Backend::cpu);
  struct Law {
    double variance = 0.0, covariance = 0.0;
  };
  const auto law_after = [&](int steps) {
    Memory memory = started(table, {}, kCells);
    const std::vector<float> before = memory.deviates;
    for (int n = 0; n < steps; ++n) {
      CellNoise op = step_of(memory, 10.0 / steps, 100u * static_cast<unsigned>(steps) + unsigned(n));
      table.step_cell_noise({}, op);
    }
    Law law;
    for (std::size_t i = 0; i < kCells; ++i) {
      law.variance += double(memory.deviates[i]) * memory.deviates[i] / kCells;
      law.covariance += double(memory.deviates[i]) * before[i] / kCells;
    }
    return law;
  };
  const Law one = law_after(1), ten = law_after(10);
  // Fourth moments of the log-normal steps dominate: bounded by the spread seen between two halves.
  const double tolerance = 5.0 * std::sqrt(2.0) * 12.0 / std::sqrt(double(kCells));
  EXPECT_NEAR(one.variance, ten.variance, tolerance);
  EXPECT_NEAR(one.covariance, ten.covariance, tolerance);
  EXPECT_GT(one.covariance, 0.3);
}

TEST(CellNoise, WithoutDefectsItsMomentsAreThoseOfTheProcesses) {
  constexpr std::size_t kCells = 200'000;
  const KernelTable& table = kernels(Backend::cpu);
  for (const int steps : {1, 10}) {
    Memory memory(kCells, 3);
    CellNoise start = step_of(memory, 0.0, 1);
    start.starts = true;
    start.levels = nullptr;
    table.step_cell_noise({}, start);
    const std::vector<float> before = memory.deviates;
    for (int n = 0; n < steps; ++n) {
      CellNoise op = step_of(memory, 10.0 / steps, 50u + unsigned(n));
      op.levels = nullptr;
      table.step_cell_noise({}, op);
    }
    double variance = 0.0, covariance = 0.0;
    for (std::size_t i = 0; i < kCells; ++i) {
      variance += double(memory.deviates[i]) * memory.deviates[i] / kCells;
      covariance += double(memory.deviates[i]) * before[i] / kCells;
    }
    const double expected = 3 * 0.49 + 0.09;
    double kept = 0.0;
    for (const double rate : kRates) kept += 0.49 * std::exp(-10.0 * rate);
    EXPECT_NEAR(variance, expected, 5.0 * expected * std::sqrt(2.0 / kCells)) << steps;
    EXPECT_NEAR(covariance, kept, 5.0 * std::sqrt((expected * expected + kept * kept) / kCells)) << steps;
  }
}

TEST(CellNoise, OnlyTheNamedCellsStartAnew) {
  const KernelTable& table = kernels(Backend::cpu);
  Memory memory = started(table, {}, 100);
  const Memory before = memory;
  std::vector<float> only(100, -1.0f);
  only[7] = 0.0f;
  CellNoise op = step_of(memory, 0.0, 9);
  op.starts = true;
  op.only = only.data();
  table.step_cell_noise({}, op);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(memory.deviates[i] == before.deviates[i], i != 7) << i;
    EXPECT_EQ(memory.states[i] == before.states[i], i != 7) << i;
  }
}

TEST(CellNoise, DefectsSwitchWithTheRatesOfTheirLaw) {
  // 4e5 cells, of which all have a defect, all dwell times 2 s. Started in equilibrium, a level is 1 in half
  // of the cells at every time; a cell is where it was with probability (1 + e^(-t)) / 2, which no single
  // step length may change.
  constexpr std::size_t kCells = 400'000;
  CellNoiseParams params{
      .correlated = true, .telegraph_share = 1.0, .telegraph_fastest = 2.0, .telegraph_slowest = 2.0};
  const KernelTable& table = kernels(Backend::cpu);
  Memory memory(kCells, 3);
  const auto step = [&](double seconds, std::uint64_t moment, bool starts) {
    CellNoise op = step_of(memory, seconds, moment);
    op.telegraph = TelegraphLaw(params);
    op.starts = starts;
    table.step_cell_noise({}, op);
  };
  step(0.0, 1, true);
  const std::vector<float> first = memory.levels;
  double time = 0.0;
  for (const double seconds : {0.0, 0.1, 0.4, 0.5, 1.0, 3.0}) {
    step(seconds, 2 + std::uint64_t(time * 100.0) + (seconds > 0.0), false);
    time += seconds;
    double occupied = 0.0, same = 0.0;
    for (std::size_t i = 0; i < kCells; ++i) {
      ASSERT_TRUE(memory.levels[i] == 0.0f || memory.levels[i] == 1.0f);
      occupied += double(memory.levels[i]) / kCells;
      same += (memory.levels[i] == first[i] ? 1.0 : 0.0) / kCells;
    }
    const double stays = 0.5 * (1.0 + std::exp(-time));
    EXPECT_NEAR(occupied, 0.5, 5.0 * 0.5 / std::sqrt(double(kCells))) << time;
    EXPECT_NEAR(same, stays, 5.0 * std::sqrt(stays * (1.0 - stays) / kCells) + 1e-9) << time;
  }
}

TEST(CellNoise, ADefectIsOccupiedForTheShareOfItsRatesAndShowsTwoLevels) {
  // 2e4 cells with dwell times between 0.5 s and 20 s, each followed for 400 steps of 1 s: occupancy,
  // covariance over one step and over five, p (1 - p) e^(-(up + down) t), summed over the cells; a
  // conductance has the two values step (level - p) and no others.
  constexpr std::size_t kCells = 20'000;
  constexpr int kSteps = 400;
  CellNoiseParams params{
      .correlated = true, .telegraph_share = 1.0, .telegraph_fastest = 0.5, .telegraph_slowest = 20.0};
  const TelegraphLaw telegraph(params);
  Memory memory(kCells, 3);
  std::vector<TelegraphCell<float>> cells;
  for (std::size_t i = 0; i < kCells; ++i) {
    Rng<float> device(RngKey(5, Purpose::fabrication), static_cast<std::uint32_t>(i), 2u);
    cells.push_back(telegraph.draw(device));
  }
  std::vector<std::vector<float>> before;
  double occupied = 0.0, expected = 0.0, products[2] = {}, kept[2] = {};
  for (int n = 0; n < kSteps; ++n) {
    CellNoise op = step_of(memory, 1.0, 1u + unsigned(n));
    op.telegraph = telegraph;
    op.starts = n == 0;
    op.weight = op.white = 0.0f;
    kernels(Backend::cpu).step_cell_noise({}, op);
    before.push_back(memory.levels);
    for (std::size_t i = 0; i < kCells; ++i) {
      const double p = cells[i].occupancy(), rate = double(cells[i].up) + cells[i].down;
      const double level = memory.levels[i] - p;
      ASSERT_NEAR(memory.deviates[i], cells[i].step * level, 1e-4 * cells[i].step);
      occupied += memory.levels[i];
      expected += p;
      for (int lag = 0; lag < 2; ++lag) {
        const int steps = lag == 0 ? 1 : 5;
        if (n < steps) continue;
        products[lag] += level * (before[std::size_t(n - steps)][i] - p);
        kept[lag] += p * (1.0 - p) * std::exp(-rate * steps);
      }
    }
  }
  // Reads of one cell are correlated over 10 s on the average of 20 s at most: every cell counts for 40 of
  // its reads at least.
  const double n = double(kCells) * kSteps, error = 1.0 / std::sqrt(double(kCells) * kSteps / 20.0);
  EXPECT_NEAR(occupied / n, expected / n, 5.0 * 0.5 * error);
  for (int lag = 0; lag < 2; ++lag) EXPECT_NEAR(products[lag] / n, kept[lag] / n, 5.0 * 0.25 * error) << lag;
  EXPECT_GT(kept[0] / n, 0.05);
}

}  // namespace
}  // namespace mq
