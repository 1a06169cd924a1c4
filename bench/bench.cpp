/// Speed of kernels and of the main job's stages, one core. Read the ratios: machines are shared and differ.
///
///   of_peak      useful multiply-adds per second / peak of fused multiply-adds of this core, measured in
///   this run peak_fmas    fused multiply-adds that the core could have done per item (for work that is no
///   product) vs_blas      time / time of OpenBLAS's sgemm (sgemv at batch 1) for the same product; below 1
///   is faster
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <cstdio>
#include <random>

#include "meltquench/bench/reference_speed.h"
#include "meltquench/core/buffer.h"
#include "meltquench/experiment/analog_network.h"
#include "meltquench/training/trainer.h"

namespace mq {
namespace {

std::vector<float> uniform(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    Rng<float> rng(RngKey(seed, Purpose::sampling), static_cast<std::uint32_t>(i));
    values[i] = 2.0f * rng.uniform() - 1.0f;
  }
  return values;
}

void report_items(benchmark::State& state, double items_per_call, double seconds) {
  state.counters["M_items/s"] = items_per_call / seconds * 1e-6;
  state.counters["peak_fmas"] = fma_peak() * seconds / items_per_call;
}

// x in, y out, DAC, packing of x, noise and ADC included.
void mvm(benchmark::State& state, int bits, float noise) {
  const std::size_t n = 512, batch = static_cast<std::size_t>(state.range(0));
  const Exec exec;
  Hardware hardware;
  hardware.tile = {.rows = 512, .columns = 512, .output_noise = noise, .read_noise = noise};
  hardware.dac = {.bits = bits, .range = 1.0};
  hardware.adc = {.bits = bits, .range = 40.0};
  TileArray array(exec, hardware, {.seed = 7}, n, n);
  const std::vector<float> w = uniform(n * n, 1), x = uniform(batch * n, 2);
  std::vector<float> y(batch * n);
  array.program(exec, {w.data(), n, n});
  const auto call = [&] { array.mvm(exec, {x.data(), batch, n}, {y.data(), batch, n}); };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  state.counters["of_peak"] = double(n * n * batch) / seconds / fma_peak();
  state.counters["vs_blas"] = seconds / openblas_seconds(n, batch);
}
BENCHMARK_CAPTURE(mvm, dac_adc_512, 8, 0.0f)->Arg(1)->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm, dac_adc_all_noise_512, 8, 0.02f)->Arg(1)->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm, ideal_converters_512, 0, 0.0f)->Arg(1)->Arg(64)->Arg(512);

void float_product(benchmark::State& state) {
  const std::size_t n = 512;
  const std::vector<float> a = uniform(n * n, 1), b = uniform(n * n, 2);
  std::vector<float> c(n * n);
  const FloatProduct op{.rows = n,
                        .columns = n,
                        .depth = n,
                        .a = a.data(),
                        .a_row = n,
                        .a_column = 1,
                        .b = b.data(),
                        .b_row = 1,
                        .b_column = n,
                        .c = c.data(),
                        .c_row = n,
                        .adds = false};
  const auto call = [&] { kernels(Backend::cpu).float_product({}, op); };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  state.counters["of_peak"] = double(n * n * n) / seconds / fma_peak();
  state.counters["vs_blas"] = seconds / openblas_seconds(n, n);
}
BENCHMARK(float_product)->Name("float_product/512");

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
  table.program_cells(exec, view, target.data(), key);
  const auto call = [&] {
    if (programs) {
      table.program_cells(exec, view, target.data(), key);
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

/// The network and the data sizes of the main job, with random images: speed does not depend on what they
/// show.
struct MainJob {
  MainJob() : network(make_network({}, {1, 28, 28}, 10)), images(uniform(10000 * 784, 4)), labels(10000) {
    for (float& pixel : images) pixel = std::abs(pixel);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::uint8_t>(i % 10);
    network.initialize(7);
    ranges = calibrate_ranges({}, network, hardware, {images.data(), 1000, 784});
  }
  Samples samples() const { return {{images.data(), labels.size(), 784}, labels}; }

  Network network;
  HardwareConfig hardware;
  std::vector<float> images;
  std::vector<std::uint8_t> labels;
  std::vector<Ranges> ranges;
};

double weights_of(const Network& network) {
  double weights = 0.0;
  for (const LayerShape& layer : layer_shapes(network)) weights += double(layer.outputs * layer.inputs);
  return weights;
}

void train_step(benchmark::State& state, Variant variant) {
  MainJob job;
  Trainer trainer({}, job.network, job.samples(), TrainParams{}.of(variant), 7);
  const auto call = [&] { trainer.step(); };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  const double images = TrainParams{}.batch_size;
  state.counters["images/s"] = images / seconds;
  state.counters["of_peak"] = 3.0 * weights_of(job.network) * images / seconds / fma_peak();
}
BENCHMARK_CAPTURE(train_step, plain, Variant::plain)->Iterations(50);
BENCHMARK_CAPTURE(train_step, hardware_aware, Variant::hardware_aware)->Iterations(50);

void evaluate_chip_once(benchmark::State& state) {
  MainJob job;
  EvalParams eval;
  eval.times = {25.0};
  eval.compensation = {DriftCompensation::global};
  const auto call = [&] {
    evaluate_chip({}, job.network, job.hardware, job.ranges, job.samples(), eval, 7, 0, [] { return true; });
  };
  for (auto _ : state) call();
  const double seconds = best_seconds(call);
  state.counters["images/s"] = 10000.0 / seconds;
  state.counters["of_peak"] = weights_of(job.network) * 10000.0 / seconds / fma_peak();
}
BENCHMARK(evaluate_chip_once)
    ->Name("main_job/program_one_chip_and_evaluate_10000_images")
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mq

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::printf("kernels: %s, FMA peak of one core: %.1f G/s, OpenBLAS core: %s\n",
              mq::kernels(mq::Backend::cpu).name, mq::fma_peak() * 1e-9, openblas_get_corename());
  benchmark::AddCustomContext("isa", mq::kernels(mq::Backend::cpu).name);
  benchmark::AddCustomContext("openblas_core", openblas_get_corename());
  benchmark::AddCustomContext("fma_peak_G_per_s", std::to_string(mq::fma_peak() * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
