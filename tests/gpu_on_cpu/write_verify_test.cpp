#include "backends.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

/// Faults of an array, what its cells hold after writing them until they verify, what that took, and what
/// they then read.
std::vector<std::vector<float>> written(const Exec& exec, const DeviceParams& params, std::size_t size,
                                        bool has_faults) {
  const KernelTable& table = kernels(exec.backend);
  const RngKey key = RngKey(2026, Purpose::write_verify, 3).at_event(1, 1).at_place(5, 11);
  std::vector<float> targets = uniform_floats(size, g_min(params), g_max(params), 1);
  targets.front() = -1.0f;
  const Buffer<float> g_target = on_backend(exec, targets);
  Buffer<float> wear = on_backend(exec, uniform_floats(size, 0.0f, 200.0f, 2));
  Buffer<float> fields(exec, size * static_cast<std::size_t>(cell_fields(params)));
  Buffer<float> found(exec, size), results(exec, 5 * size), plane(exec, size);
  const CellsView cells{&params, fields.data(), size};
  const FaultParams faults{
      .stuck_low = 0.1f, .stuck_high = 0.1f, .stuck_random = 0.1f, .failing = 0.2f, .endurance = 100.0f};
  table.find_faults(exec, {.faults = {.params = faults, .key = key, .g_max = g_max(params)},
                           .wear = wear.data(),
                           .size = size,
                           .found = found.data()});
  const WriteFaults on_write{.found = has_faults ? found.data() : nullptr,
                             .failing_spread = 0.1f * g_max(params),
                             .wear = has_faults ? wear.data() : nullptr,
                             .reset_weight = 10.0f};
  table.fabricate_cells(exec, cells, key);
  float* r = results.data();
  ProgrammingParams how;
  how.iterations = 6;
  how.longest_train = 20;
  table.write_verify_cells(exec, {.cells = cells,
                                  .g_target = g_target.data(),
                                  .how = how,
                                  .key = key,
                                  .programming = key.at_event(2),
                                  .device = key.at_event(3),
                                  .response = key.at_event(4),
                                  .faults = on_write,
                                  .iterations = r,
                                  .reads = r + size,
                                  .pulses = r + 2 * size,
                                  .energy = r + 3 * size,
                                  .is_converged = r + 4 * size});
  std::vector<std::vector<float>> seen{on_host(found), on_host(fields), on_host(results), on_host(wear)};
  table.program_cells(exec, {.cells = cells,
                             .g_target = g_target.data(),
                             .key = key.at_event(5),
                             .device = key.at_event(3),
                             .faults = on_write});
  table.settle_cells(exec, {.cells = cells,
                            .time = 3600.0,
                            .key = key.at_event(6),
                            .faults = has_faults ? found.data() : nullptr,
                            .plane = plane.data()});
  seen.push_back(on_host(fields));
  seen.push_back(on_host(wear));
  seen.push_back(on_host(plane));
  return seen;
}

TEST_F(OnCuda, CellsOfEveryModelAreWrittenUntilTheyVerifyAsOnTheCpu) {
  for_each_model([]<class Model>() {
    if (!HoldingModel<Model>) return;
    const DeviceParams params(typename Model::Params{});
    for (const bool has_faults : {false, true}) {
      const auto cpu = written(kCpu, params, 300, has_faults), cuda = written(kCuda, params, 300, has_faults);
      for (std::size_t i = 0; i < cpu.size(); ++i) {
        expect_same_bits(cpu[i], cuda[i], std::string(Model::kName) + ", step " + std::to_string(i));
      }
    }
  });
}

}  // namespace
}  // namespace mq
