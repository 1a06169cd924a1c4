/// Speed of program-and-verify, one core: cells of pcm-like, margin 2 % of g_max, at most 30 iterations.
/// write_verify/512/0 reads 512 x 512 cells as they are; write_verify/150/8 reads the word lines of 150 x 150
/// cells through ADCs of 8 bits.
///
///   M_items/s     cells per microsecond
///   peak_fmas     fused multiply-adds that the core could have done per cell
///   vs_gaussians  cells per normal that add_normals makes in the same time on the same core
///   iterations    mean per cell
///   converged     share of the cells
#include <benchmark/benchmark.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "meltquench/bench/report.h"
#include "meltquench/core/buffer.h"
#include "meltquench/devices/device.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

void write_verify(benchmark::State& state) {
  const auto side = static_cast<std::size_t>(state.range(0)), n = side * side;
  const Exec exec;
  const DeviceParams params = device_from_preset("pcm-like");
  Buffer<float> fields(exec, n * static_cast<std::size_t>(cell_fields(params)));
  std::vector<float> targets = uniform(n, 3), results(5 * n);
  for (float& g : targets) g = std::abs(g) * g_max(params);
  ProgrammingParams how;
  how.read_bits = static_cast<int>(state.range(1));
  float* const r = results.data();
  const auto call = [&] {
    kernels(Backend::cpu)
        .write_verify_cells(exec, {.cells = {&params, fields.data(), n},
                                   .g_target = targets.data(),
                                   .how = how,
                                   .key = RngKey(7, Purpose::write_verify),
                                   .programming = RngKey(7, Purpose::programming),
                                   .device = RngKey(7, Purpose::fabrication),
                                   .response = RngKey(7, Purpose::pulse_response),
                                   .faults = {},
                                   .iterations = r,
                                   .reads = r + n,
                                   .pulses = r + 2 * n,
                                   .energy = r + 3 * n,
                                   .is_converged = r + 4 * n});
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  report_items(state, double(n), seconds);
  state.counters["vs_gaussians"] = double(n) / seconds / gaussians_per_second();
  const auto mean = [&](const float* first) { return std::accumulate(first, first + n, 0.0) / double(n); };
  state.counters["iterations"] = mean(r);
  state.counters["converged"] = mean(r + 4 * n);
}
BENCHMARK(write_verify)->Args({512, 0})->Args({150, 8})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mq
