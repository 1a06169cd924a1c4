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

}  // namespace
}  // namespace mq
