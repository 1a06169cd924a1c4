#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "meltquench/devices/device.h"
#include "tables.h"

namespace mq {
namespace {

constexpr std::size_t kSizes[] = {1, 15, 16, 17, 33, 4101, 10000};

struct State {
  std::vector<float> cells, plane;

  friend bool operator==(const State&, const State&) = default;
};

/// Fabricates, programs and settles `size` cells.
State run(const KernelTable& table, const DeviceParams& params, std::size_t size, int threads) {
  const Exec exec{.threads = threads};
  const RngKey key = RngKey(9, Purpose::programming, 1).at_place(2, 3);
  std::vector<float> targets = uniforms(size, 1, 0.0f, g_max(params));
  State s{std::vector<float>(size * static_cast<std::size_t>(cell_fields(params))),
          std::vector<float>(size, 1.0f)};
  const CellsView view{&params, s.cells.data(), size};
  table.fabricate_cells(exec, view, key.at_event(0));
  table.program_cells(
      exec, {.cells = view, .g_target = targets.data(), .key = key.at_event(1), .device = key.at_event(0)});
  table.settle_cells(exec, {.cells = view, .time = 3600.0, .key = key.at_event(2), .plane = s.plane.data()});
  return s;
}

TEST(Cells, AreTheModelAppliedToEachIndex) {
  const DeviceParams params = device_from_preset("hermes-2");
  const auto& own = std::get<Pcm::Params>(params);
  const std::size_t size = 1000;
  const State s = run(kernels(Backend::cpu), params, size, 1);
  const std::vector<float> targets = uniforms(size, 1, 0.0f, own.g_max);
  const RngKey key = RngKey(9, Purpose::programming, 1).at_place(2, 3);
  for (std::uint32_t i = 0; i < size; ++i) {
    Pcm::Cell<float> cell{};
    Rng<float> programming(key.at_event(1), i), device(key.at_event(0), i, 1u), reading(key.at_event(2), i);
    Pcm::program(own, cell, targets[i], device, programming);
    ASSERT_EQ(s.cells[i], cell.g);
    ASSERT_EQ(s.cells[size + i], cell.nu);
    ASSERT_EQ(s.cells[2 * size + i], cell.q);
    ASSERT_EQ(s.plane[i], Pcm::read(own, cell, Pcm::at(own, 3600.0).rounded<float>(), reading.normal()));
  }
}

TEST(Cells, HaveTheSameBitsOnEveryTableAndThreadCount) {
  for (const char* preset : {"ideal", "pcm-like", "hermes-1"}) {
    const DeviceParams params = device_from_preset(preset);
    for (const std::size_t size : kSizes) {
      const State expected = run(kernels(Backend::reference), params, size, 1);
      for (const KernelTable* table : cpu_tables()) {
        for (const int threads : {1, 2, 3}) {
          EXPECT_EQ(run(*table, params, size, threads), expected)
              << table->name << ", " << preset << ", " << size;
        }
      }
    }
  }
}

TEST(Cells, ATableOfAMeasuredCurveHasTheSameBitsEverywhere) {
  Pcm::Params measured;
  measured.nu_mean.shape = LawShape::table;
  measured.nu_mean.table = {3, {0.1f, 0.4f, 1.0f}, {0.09f, 0.05f, 0.03f}};
  const DeviceParams params = measured;
  const State expected = run(kernels(Backend::reference), params, 1001, 1);
  for (const KernelTable* table : cpu_tables())
    EXPECT_EQ(run(*table, params, 1001, 2), expected) << table->name;
}

TEST(Cells, TheMinusSideIsSubtracted) {
  const DeviceParams params = device_from_preset("pcm-like");
  const std::size_t size = 100;
  const Exec exec;
  State s = run(kernels(Backend::cpu), params, size, 1);
  const CellsView view{&params, s.cells.data(), size};
  for (const KernelTable* table : cpu_tables()) {
    std::vector<float> plane(size, 1.0f);
    const SettleCells plus{
        .cells = view, .time = 0.0, .key = RngKey(1, Purpose::read_noise), .plane = plane.data()};
    table->settle_cells(exec, plus);
    const std::vector<float> first = plane;
    SettleCells minus = plus;
    minus.sign = -1.0f;
    minus.adds = true;
    table->settle_cells(exec, minus);
    for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(plane[i], 0.0f) << first[i];
  }
}

}  // namespace
}  // namespace mq
