/// Speed of what is done cell by cell: normals, programming, settling.
#include <cmath>
#include <random>

#include "meltquench/bench/report.h"
#include "meltquench/core/buffer.h"
#include "meltquench/devices/device.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

// The kernel that adds weight noise in hardware-aware training: one normal per element, read and written in
// cache.
void gaussians(benchmark::State& state) {
  const std::size_t n = 1 << 16;
  std::vector<float> from(n), to(n);
  const auto call = [&] {
    kernels(Backend::cpu)
        .add_normals({}, {.key = RngKey(7, Purpose::sampling),
                          .scale = 1.0f,
                          .from = from.data(),
                          .to = to.data(),
                          .size = n});
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  report_items(state, double(n), seconds);
  std::mt19937 engine(7);
  std::normal_distribution<float> normal;
  const double standard = best_seconds([&] {
    for (float& value : to) value = normal(engine);
  });
  state.counters["vs_std"] = standard / seconds;
}
BENCHMARK(gaussians);

void cells(benchmark::State& state, const char* preset, bool programs) {
  const std::size_t n = 512 * 512;
  const Exec exec;
  const DeviceParams params = device_from_preset(preset);
  Buffer<float> fields(exec, n * static_cast<std::size_t>(cell_fields(params)));
  Buffer<float> plane(exec, n);
  const CellsView view{&params, fields.data(), n};
  std::vector<float> target = uniform(n, 3);
  for (float& g : target) g = std::abs(g) * g_max(params);
  const KernelTable& table = kernels(Backend::cpu);
  const RngKey key(7, Purpose::programming);
  table.program_cells(exec, {.cells = view, .g_target = target.data(), .key = key, .device = key});
  const auto call = [&] {
    if (programs) {
      table.program_cells(exec, {.cells = view, .g_target = target.data(), .key = key, .device = key});
    } else {
      table.settle_cells(
          exec,
          {.cells = view, .time = 86400.0, .key = key, .sign = 1.0f, .adds = false, .plane = plane.data()});
    }
  };
  for (auto _ : state) call();
  report_items(state, double(n), best_seconds(call));
}
BENCHMARK_CAPTURE(cells, program_pcm_like, "pcm-like", true);
BENCHMARK_CAPTURE(cells, settle_pcm_like, "pcm-like", false);
BENCHMARK_CAPTURE(cells, program_hermes_1, "hermes-1", true);
BENCHMARK_CAPTURE(cells, settle_hermes_1, "hermes-1", false);

/// Read noise that remembers: one step of 16 processes, in cells per second and against the normals that it
/// draws.
void correlated_noise(benchmark::State& state) {
  const std::size_t n = 512 * 512;
  std::vector<float> states(16 * n), deviates(n);
  CellNoise op;
  op.size = n;
  op.processes = 16;
  for (int k = 0; k < op.processes; ++k) op.keep[k] = 0.9f, op.fresh[k] = 0.43f;
  op.weight = op.white = 1.0f;
  op.states = states.data();
  op.deviates = deviates.data();
  op.key = RngKey(7, Purpose::cell_noise);
  const auto call = [&] { kernels(Backend::cpu).step_cell_noise({}, op); };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  report_items(state, double(n), seconds);
  std::vector<float> from(1 << 16), to(1 << 16);
  const double normals = best_seconds([&] {
    kernels(Backend::cpu)
        .add_normals({}, {.key = RngKey(7, Purpose::sampling),
                          .scale = 1.0f,
                          .from = from.data(),
                          .to = to.data(),
                          .size = from.size()});
  });
  const double normals_per_second = double(from.size()) / normals;
  state.counters["vs_normals"] = double(n) / seconds / (normals_per_second / op.processes);
}
BENCHMARK(correlated_noise);

}  // namespace
}  // namespace mq
