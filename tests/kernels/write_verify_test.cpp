#include "meltquench/devices/write_verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/devices/device.h"
#include "tables.h"

namespace mq {
namespace {

/// Cells of one array, and what writing them until they verify took.
struct Written {
  std::vector<float> cells, results, wear;

  const float* iterations() const { return results.data(); }
  const float* is_converged() const { return results.data() + 4 * wear.size(); }
  friend bool operator==(const Written&, const Written&) = default;
};

constexpr RngKey kKey = RngKey(5, Purpose::write_verify, 1).at_event(1).at_place(2, 3);

/// `found`: faults of the cells, or none.
Written write(const KernelTable& table, const DeviceParams& params, const ProgrammingParams& how,
              const std::vector<float>& targets, int threads, const std::vector<float>& found = {}) {
  const std::size_t n = targets.size();
  const Exec exec{.threads = threads};
  Written w{std::vector<float>(n * static_cast<std::size_t>(cell_fields(params))), std::vector<float>(5 * n),
            std::vector<float>(n)};
  const CellsView view{&params, w.cells.data(), n};
  const RngKey fabrication(5, Purpose::fabrication, 1), response(5, Purpose::pulse_response, 1);
  table.fabricate_cells(exec, view, fabrication);
  float* r = w.results.data();
  table.write_verify_cells(exec, {.cells = view,
                                  .g_target = targets.data(),
                                  .how = how,
                                  .key = kKey,
                                  .programming = RngKey(5, Purpose::programming, 1).at_event(1),
                                  .device = fabrication,
                                  .response = response,
                                  .faults = {.found = found.empty() ? nullptr : found.data(),
                                             .failing_spread = 0.2f * g_max(params),
                                             .wear = w.wear.data(),
                                             .reset_weight = 10.0f},
                                  .iterations = r,
                                  .reads = r + n,
                                  .pulses = r + 2 * n,
                                  .energy = r + 3 * n,
                                  .is_converged = r + 4 * n});
  return w;
}

std::vector<float> targets_of(const DeviceParams& params, std::size_t n) {
  std::vector<float> targets = uniforms(n, 1, g_min(params), g_max(params));
  targets[0] = -1.0f;
  return targets;
}

TEST(WriteVerifyCells, AreTheControllerAppliedToEachIndex) {
  const DeviceParams params = device_from_preset("pcm-like");
  const auto& own = std::get<Pcm::Params>(params);
  const ProgrammingParams how;
  const std::vector<float> targets = targets_of(params, 100);
  const Written w = write(kernels(Backend::cpu), params, how, targets, 1);
  EXPECT_EQ(w.cells[0] + w.iterations()[0] + w.wear[0], 0.0f) << "a negative target leaves the cell alone";
  for (std::uint32_t i = 1; i < 100; ++i) {
    Rng<float> response(RngKey(5, Purpose::pulse_response, 1), i);
    MeltQuenchedCell<float> cell(how.pulse, own.g_max, how.gain, targets[i], response);
    const auto out = write_until_verified<float>(how, own.g_max, targets[i], cell, kWorkingCell, kKey, i);
    ASSERT_EQ(w.cells[i], cell.g);
    ASSERT_EQ(w.iterations()[i], out.iterations);
    ASSERT_EQ(w.is_converged()[i], out.is_accepted);
    ASSERT_EQ(w.wear[i], 10.0f * out.pulses) << "a melting pulse is a RESET pulse";
  }
}

TEST(WriteVerifyCells, HaveTheSameBitsOnEveryTableAndThreadCount) {
  for_each_model([]<class Model>() {
    if (!HoldingModel<Model>) return;
    const DeviceParams params(typename Model::Params{});
    ProgrammingParams how;
    how.iterations = 7;
    how.longest_train = 20;
    for (const std::size_t n : {1, 517}) {
      how.read_bits = n > 1 ? 8 : 0;
      const std::vector<float> targets = targets_of(params, n);
      std::vector<float> found = uniforms(n, 2, -2.0f, 0.1f);
      for (float& f : found) f = f < -1.8f ? kFailingCell : f < 0.0f ? kWorkingCell : f * g_max(params);
      const Written expected = write(kernels(Backend::reference), params, how, targets, 1, found);
      for (const KernelTable* table : cpu_tables()) {
        EXPECT_EQ(write(*table, params, how, targets, 2, found), expected)
            << table->name << ", " << Model::kName << ", " << n;
      }
    }
  });
}

TEST(WriteVerifyCells, ConvergeOnNinetyNinePercentOfAWholeArray) {
  const DeviceParams params = device_from_preset("pcm-like");
  const std::vector<float> targets = uniforms(128 * 128, 1, 0.0f, g_max(params));
  const Written w = write(kernels(Backend::cpu), params, {}, targets, 1);
  const float converged = std::accumulate(w.is_converged(), w.is_converged() + targets.size(), 0.0f);
  EXPECT_GE(converged, 0.99f * static_cast<float>(targets.size()));
}

TEST(WriteVerifyCells, DrawDriftAsOneShotWritingDoes) {
  const DeviceParams params = device_from_preset("pcm-like");
  const std::vector<float> targets = uniforms(1000, 1, 0.0f, g_max(params));
  const Written w = write(kernels(Backend::cpu), params, {}, targets, 1);
  std::vector<float> once(w.cells.size());
  const CellsView view{&params, once.data(), 1000};
  kernels(Backend::cpu)
      .program_cells({}, {.cells = view,
                          .g_target = targets.data(),
                          .key = RngKey(5, Purpose::programming, 1).at_event(1),
                          .device = RngKey(5, Purpose::fabrication, 1)});
  double mean[2] = {};
  for (std::size_t i = 0; i < 1000; ++i) {
    mean[0] += w.cells[1000 + i] / 1000.0;
    mean[1] += once[1000 + i] / 1000.0;
    EXPECT_NE(w.cells[i], once[i]);
  }
  EXPECT_NEAR(mean[0], mean[1], 0.004);  // exponents spread by 0.01 to 0.045
}

TEST(WriteVerifyCells, NeverConvergeWhereTheyAreStuckOrFail) {
  const DeviceParams params = device_from_preset("pcm-like");
  const std::vector<float> targets(1000, 0.5f * g_max(params));
  std::vector<float> found(1000, kWorkingCell);
  for (std::size_t i = 0; i < 1000; i += 2) found[i] = i % 4 == 0 ? targets[0] : kFailingCell;
  const Written w = write(kernels(Backend::cpu), params, {}, targets, 1, found);
  double failed = 0.0;
  for (std::size_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(w.is_converged()[i], i % 2 == 0 ? 0.0f : 1.0f);
    if (i % 4 == 0) {
      EXPECT_LT(w.iterations()[i], 30.0f) << "the controller stops at a stuck cell that reads right";
    }
    if (i % 4 == 2) failed += std::pow(w.cells[i] / g_max(params) - 0.5, 2) / 250;
  }
  EXPECT_NEAR(std::sqrt(failed), 0.2, 5 * 0.2 / std::sqrt(500.0));
}

TEST(WriteVerifyCells, OneShotWritingMissesTheTargetOfFailingCellsAndCountsItsPulses) {
  const DeviceParams params = device_from_preset("ideal");
  const std::vector<float> targets(1000, 0.5f * g_max(params)), found(1000, kFailingCell);
  std::vector<float> cells(1000), wear(1000);
  kernels(Backend::cpu)
      .program_cells({}, {.cells = {&params, cells.data(), 1000},
                          .g_target = targets.data(),
                          .key = kKey,
                          .device = kKey,
                          .faults = {.found = found.data(),
                                     .failing_spread = 0.1f * g_max(params),
                                     .wear = wear.data(),
                                     .reset_weight = 10.0f}});
  double squares = 0.0;
  for (const float g : cells) squares += std::pow(g / g_max(params) - 0.5, 2) / 1000;
  EXPECT_NEAR(std::sqrt(squares), 0.1, 5 * 0.1 / std::sqrt(2000.0));
  EXPECT_EQ(wear, std::vector<float>(1000, 11.0f));
}

TEST(WriteVerifyCells, OfAStatisticalLawAloneAreRefusedByName) {
  const DeviceParams params = device_from_preset("sonos");
  const std::vector<float> targets(1);
  EXPECT_THROW(write(kernels(Backend::cpu), params, {}, targets, 1), ConfigError);
}

TEST(FindFaults, IsTheLawAppliedToEachIndexOnEveryTable) {
  const FaultParams params{
      .stuck_low = 0.1f, .stuck_high = 0.1f, .stuck_random = 0.1f, .failing = 0.2f, .endurance = 100.0f};
  const ArrayFaults faults{.params = params, .key = RngKey(3, Purpose::faults), .g_max = 25.0_uS};
  const std::vector<float> wear = uniforms(4101, 1, 0.0f, 200.0f);
  std::vector<float> expected(wear.size());
  for (std::uint32_t i = 0; i < wear.size(); ++i) expected[i] = fault_of<float>(faults, i, wear[i]);
  std::vector<const KernelTable*> tables = cpu_tables();
  tables.push_back(&kernels(Backend::reference));
  for (const KernelTable* table : tables) {
    std::vector<float> found(wear.size());
    table->find_faults({.threads = 2}, {faults, wear.data(), wear.size(), found.data()});
    EXPECT_EQ(found, expected) << table->name;
  }
}

TEST(FindFaults, StuckCellsReadAsStuckWhateverIsWritten) {
  const DeviceParams params = device_from_preset("pcm-like");
  std::vector<float> cells(4 * 100, 1.0_uS), plane(100, 5.0_uS), found(100, kWorkingCell);
  cells.resize(100 * static_cast<std::size_t>(cell_fields(params)));
  found[3] = 7.0_uS;
  kernels(Backend::cpu)
      .settle_cells({}, {.cells = {&params, cells.data(), 100},
                         .time = 1e6,
                         .key = kKey,
                         .faults = found.data(),
                         .sign = -1.0f,
                         .adds = true,
                         .plane = plane.data()});
  EXPECT_EQ(plane[3], 5.0_uS - 7.0_uS);
  EXPECT_NE(plane[4], 5.0_uS - 7.0_uS);
}

}  // namespace
}  // namespace mq
