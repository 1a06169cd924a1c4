/// Speed of the pulsed update, one core: 512 x 512 cells with cycle-to-cycle noise, a mini-batch of 64.
///
///   M_items/s     device-samples (cell x sample), or lines (trains of a sample), per microsecond
///   peak_fmas     fused multiply-adds that the core could have done per item
///   vs_gaussians  items per normal that add_normals makes in the same time on the same core
///   coincidences  mean per device-sample
#include <benchmark/benchmark.h>

#include <vector>

#include "meltquench/bench/reference_speed.h"
#include "meltquench/core/buffer.h"
#include "meltquench/devices/device.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

constexpr std::size_t kLines = 512, kBatch = 64;

std::vector<float> uniform(std::size_t n, std::uint32_t stream) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    Rng<float> rng(RngKey(7, Purpose::sampling, stream), static_cast<std::uint32_t>(i));
    values[i] = 2.0f * rng.uniform() - 1.0f;
  }
  return values;
}

PulseTrains trains_of(const std::vector<float>& values, float gain, std::uint32_t side,
                      std::vector<std::uint32_t>& trains) {
  return {.values = values.data(),
          .batch = kBatch,
          .lines = kLines,
          .gain = gain,
          .key = RngKey(7, Purpose::pulse_trains).at_event(1, side),
          .trains = trains.data()};
}

void report(benchmark::State& state, double items, double seconds) {
  state.counters["M_items/s"] = items / seconds * 1e-6;
  state.counters["peak_fmas"] = fma_peak() * seconds / items;
  state.counters["vs_gaussians"] = items / seconds / gaussians_per_second();
}

DeviceParams with_noise(const char* model, float noise) {
  Value description = Value::table();
  description.set_key("model", model);
  description.set_key("cycle_noise", double(noise));
  return device_from_value(description, "device");
}

/// Sixteen points a side, as a measured device has them.
DeviceParams measured_curves() {
  PiecewiseStep::Params p;
  for (PiecewiseTable* curve : {&p.up, &p.down}) {
    curve->size = PiecewiseTable::kMaxPoints;
    for (int k = 0; k < curve->size; ++k) {
      curve->x[k] = float(k) / float(curve->size - 1);
      curve->y[k] = curve == &p.up ? 1.5f - curve->x[k] : 0.5f + curve->x[k] * curve->x[k];
    }
  }
  return p;
}

/// Sixteen rows a side, pulses in both directions.
DeviceParams measured_tables() {
  LookupStep::Params p;
  p.one_sided = false;
  std::vector<StepTables::Row> rows(StepTables::kMaxRows);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    for (std::size_t j = 0; j < rows[k].size(); ++j) rows[k][j] = 1.0f - 0.02f * float(k) + 0.1f * float(j);
  }
  p.changes = StepTables::from_rows(rows, rows);
  p.step = 1.0_nS;
  return p;
}

void pulse_cells(benchmark::State& state, const DeviceParams& params, float gain, PulseSteps steps) {
  const KernelTable& table = kernels(Backend::cpu);
  std::vector<float> fields(kLines * kLines * static_cast<std::size_t>(cell_fields(params)));
  const CellsView view{&params, fields.data(), kLines * kLines};
  table.fabricate_cells({}, view, RngKey(7, Purpose::fabrication));
  const std::vector<float> x = uniform(kBatch * kLines, 1), d = uniform(kBatch * kLines, 2);
  std::vector<std::uint32_t> x_trains(x.size()), d_trains(d.size());
  table.make_pulse_trains({}, trains_of(x, gain, 0, x_trains));
  table.make_pulse_trains({}, trains_of(d, gain, 1, d_trains));
  std::int64_t pulses = 0, calls = 0;
  const auto call = [&] {
    table.pulse_cells({}, {.cells = view,
                           .outputs = kLines,
                           .inputs = kLines,
                           .batch = kBatch,
                           .x = x_trains.data(),
                           .x_stride = kLines,
                           .d = d_trains.data(),
                           .d_stride = kLines,
                           .steps = steps,
                           .key = RngKey(7, Purpose::pulse_steps),
                           .pulses = &pulses});
    ++calls;
  };
  for (auto _ : state) call();
  const double items = double(kLines * kLines * kBatch);
  report(state, items, best_seconds(call));
  state.counters["coincidences"] = double(pulses) / double(calls) / items;
}
constexpr float kDense = 0.5f, kSparse = 0.0806f;  // gains: means of 1.92 and 0.05 coincidences
constexpr PulseSteps kAggregated = PulseSteps::aggregated, kSingle = PulseSteps::single;
BENCHMARK_CAPTURE(pulse_cells, dense_soft_bounds, with_noise("soft-bounds", 0.3f), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_constant_step, with_noise("constant-step", 0.3f), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_linear_step, device_from_preset("ecram"), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_centred, device_from_preset("reram-sb"), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_power_step, PowerStep::Params{}, kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_exponential_step, device_from_preset("reram-es"), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_one_sided, device_from_preset("pcm-one-sided"), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_piecewise_step, measured_curves(), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_lookup_step, measured_tables(), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_accumulative_pcm, device_from_preset("nandakumar-2018"), kDense,
                  kAggregated);
BENCHMARK_CAPTURE(pulse_cells, sparse_soft_bounds, with_noise("soft-bounds", 0.3f), kSparse, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, sparse_constant_step, with_noise("constant-step", 0.3f), kSparse, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, sparse_exponential_step, device_from_preset("reram-es"), kSparse, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, sparse_lookup_step, measured_tables(), kSparse, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_noiseless, with_noise("soft-bounds", 0.0f), kDense, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, dense_single_steps, with_noise("soft-bounds", 0.3f), kDense, kSingle);
// Between the two: where the kernel turns from collecting pairs to whole vectors.
BENCHMARK_CAPTURE(pulse_cells, mean_0_1, with_noise("soft-bounds", 0.3f), 0.114f, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, mean_0_15, with_noise("soft-bounds", 0.3f), 0.139f, kAggregated);
BENCHMARK_CAPTURE(pulse_cells, mean_0_2, with_noise("soft-bounds", 0.3f), 0.1613f, kAggregated);

void pulse_trains(benchmark::State& state) {
  const std::vector<float> x = uniform(kBatch * kLines, 1);
  std::vector<std::uint32_t> trains(x.size());
  const auto call = [&] { kernels(Backend::cpu).make_pulse_trains({}, trains_of(x, 0.5f, 0, trains)); };
  for (auto _ : state) call();
  report(state, double(x.size()), best_seconds(call));
}
BENCHMARK(pulse_trains);

}  // namespace
}  // namespace mq
