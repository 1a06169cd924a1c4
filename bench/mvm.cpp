/// Speed of the grouped MVM: floats in, floats out; DAC, packing of x, noise and ADC are inside.
#include <algorithm>
#include <functional>
#include <memory>

#include "meltquench/bench/report.h"
#include "meltquench/core/buffer.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {
namespace {

/// A programmed array of n x n weights on tiles of `tile` x `tile`, with inputs and room for outputs.
struct Product {
  Product(std::size_t n, int tile, std::size_t batch, int bits, float noise, const CurrentParams& law = {})
      : Product(n, hardware(tile, bits, noise, law), batch) {}
  Product(std::size_t n, const Hardware& hardware, std::size_t batch)
      : size(n), rows(batch), array({}, hardware, {.seed = 7}, n, n), x(uniform(batch * n, 2)), y(batch * n) {
    const std::vector<float> w = uniform(n * n, 1);
    array.program({}, {w.data(), n, n});
    array.set_transposed_ranges({.dac = 1.0f, .adc = std::vector<float>(array.grid().size(), 40.0f)});
  }
  static Hardware hardware(int tile, int bits, float noise, const CurrentParams& law) {
    Hardware h;
    h.current = law;
    h.tile = {.rows = tile, .columns = tile, .output_noise = noise, .read_noise = noise};
    h.dac = {.bits = bits, .range = 1.0};
    h.adc = {.bits = bits, .range = 40.0};
    return h;
  }
  void multiply(int threads = 1) {
    array.mvm({.threads = threads}, {x.data(), rows, size}, {y.data(), rows, size});
  }
  void multiply_transposed() { array.mvm_transposed({}, {x.data(), rows, size}, {y.data(), rows, size}); }

  std::size_t size, rows;
  TileArray array;
  std::vector<float> x, y;
};

void report_product(benchmark::State& state, std::size_t n, std::size_t batch, double seconds) {
  state.counters["of_peak"] = double(n * n * batch) / seconds / fma_peak();
  report_openblas(state, n, batch, seconds);
}

void mvm(benchmark::State& state, int bits, float noise) {
  const std::size_t n = 512, batch = static_cast<std::size_t>(state.range(0));
  Product product(n, 512, batch, bits, noise);
  for (auto _ : state) product.multiply();
  report_product(state, n, batch, best_seconds([&] { product.multiply(); }));
}
BENCHMARK_CAPTURE(mvm, dac_adc_512, 8, 0.0f)->Arg(1)->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm, dac_adc_all_noise_512, 8, 0.02f)->Arg(1)->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm, ideal_converters_512, 0, 0.0f)->Arg(1)->Arg(64)->Arg(512);

void mvm_transposed(benchmark::State& state, int bits, float noise) {
  const std::size_t n = 512, batch = static_cast<std::size_t>(state.range(0));
  Product product(n, 512, batch, bits, noise);
  for (auto _ : state) product.multiply_transposed();
  report_product(state, n, batch, best_seconds([&] { product.multiply_transposed(); }));
}
BENCHMARK_CAPTURE(mvm_transposed, dac_adc_all_noise_512, 8, 0.02f)->Arg(1)->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm_transposed, ideal_converters_512, 0, 0.0f)->Arg(1)->Arg(64)->Arg(512);

// Cells whose currents are not linear, against linear ones: `vs_linear` per product, `terms` of the law.
void mvm_nonlinear(benchmark::State& state, const CurrentParams& law) {
  const std::size_t n = 512, batch = static_cast<std::size_t>(state.range(0));
  Product linear(n, 512, batch, 8, 0.0f), product(n, 512, batch, 8, 0.0f, law);
  for (auto _ : state) product.multiply();
  const double seconds = best_seconds([&] { product.multiply(); });
  report_product(state, n, batch, seconds);
  state.counters["vs_linear"] = seconds / best_seconds([&] { linear.multiply(); });
  state.counters["terms"] = CurrentExpansion(product.array.hardware()).terms();
}
BENCHMARK_CAPTURE(mvm_nonlinear, sinh_512, CurrentParams{.law = CurrentKind::sinh})->Arg(1)->Arg(64);
BENCHMARK_CAPTURE(mvm_nonlinear, polynomial_512, CurrentParams{.law = CurrentKind::polynomial})
    ->Arg(1)
    ->Arg(64);

// Products in steps: an ADC with errors of its own, against the fused product with a uniform one without.
void mvm_in_steps(benchmark::State& state, const AdcParams& adc) {
  const std::size_t n = 512, batch = static_cast<std::size_t>(state.range(0));
  Hardware hardware = Product::hardware(512, 8, 0.0f, {});
  Product fused(n, hardware, batch);
  const double range = *hardware.adc.range;
  hardware.adc = adc;
  hardware.adc.range = range;
  Product product(n, hardware, batch);
  for (auto _ : state) product.multiply();
  // In turns: what else the machine does meanwhile meets both.
  double seconds = 1e9, fused_seconds = 1e9;
  for (int turn = 0; turn < 8; ++turn) {
    fused_seconds = std::min(fused_seconds, best_seconds([&] { fused.multiply(); }));
    seconds = std::min(seconds, best_seconds([&] { product.multiply(); }));
  }
  state.counters["vs_fused"] = seconds / fused_seconds;
  state.counters["ns_per_output"] = (seconds - fused_seconds) / double(n * batch) * 1e9;
}
BENCHMARK_CAPTURE(mvm_in_steps, uniform_512, AdcParams{.inl = 0.5f})->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, noise_512, AdcParams{.noise = 0.5f})->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, stochastic_512, AdcParams{.stochastic = true})->Arg(64)->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, ramp_512, AdcParams{.kind = AdcKind::ramp, .mismatch = 0.1f})
    ->Arg(64)
    ->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, sar_512, AdcParams{.kind = AdcKind::sar, .mismatch = 0.1f})
    ->Arg(64)
    ->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, cco_512, AdcParams{.kind = AdcKind::cco, .mismatch = 0.1f})
    ->Arg(64)
    ->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, pipeline_512, AdcParams{.kind = AdcKind::pipeline, .mismatch = 0.01f})
    ->Arg(64)
    ->Arg(512);
BENCHMARK_CAPTURE(mvm_in_steps, cyclic_512, AdcParams{.kind = AdcKind::cyclic, .mismatch = 0.01f})
    ->Arg(64)
    ->Arg(512);

// One grouped call for 64 tiles, against one call for each of 64 tiles that have weights of their own, as the
// layer has; and against 64 times one of them, whose weights then stay in the second cache.
void layer(benchmark::State& state, int bits, float noise) {
  const std::size_t batch = static_cast<std::size_t>(state.range(0));
  Product whole(2048, 256, batch, bits, noise);
  std::vector<std::unique_ptr<Product>> tiles;
  for (int i = 0; i < 64; ++i) tiles.push_back(std::make_unique<Product>(256, 256, batch, bits, noise));
  for (auto _ : state) whole.multiply();
  const double seconds = best_seconds([&] { whole.multiply(); });
  report_product(state, 2048, batch, seconds);
  const double one_after_another = best_seconds([&] {
    for (const auto& tile : tiles) tile->multiply();
  });
  state.counters["vs_tiles"] = seconds / one_after_another;
  state.counters["vs_hot_tile"] = seconds / (64.0 * best_seconds([&] { tiles[0]->multiply(); }));
}
BENCHMARK_CAPTURE(layer, dac_adc_8x8_tiles_of_256, 8, 0.0f)->Arg(64);
BENCHMARK_CAPTURE(layer, dac_adc_all_noise_8x8_tiles_of_256, 8, 0.02f)->Arg(64);

// Cells behind access devices that saturate: reading them takes the inversion of their circuit.
void settle_nonlinear(benchmark::State& state, const CurrentParams& law) {
  Product product(512, 512, 1, 8, 0.0f, law);
  const auto read_later = [&] { product.array.advance_to({}, product.array.time() + 1.0); };
  for (auto _ : state) read_later();
  state.counters["seconds"] = best_seconds(read_later);
  state.counters["terms"] = CurrentExpansion(product.array.hardware()).terms();
}
BENCHMARK_CAPTURE(settle_nonlinear, saturating_access_512,
                  CurrentParams{.access_resistance = 5e3, .access_saturation = 30e-6});

void report_two_cores(benchmark::State& state, const std::function<void(int)>& work) {
  const TwoCores ratios = two_cores(work);
  state.counters["speedup"] = ratios.wall_ratio;
  state.counters["spared"] = ratios.cpu_ratio;
}

void mvm_on_two_cores(benchmark::State& state, std::size_t n) {
  Product product(n, 512, static_cast<std::size_t>(state.range(0)), 8, 0.02f);
  for (auto _ : state) product.multiply(2);
  report_two_cores(state, [&](int threads) { product.multiply(threads); });
}
BENCHMARK_CAPTURE(mvm_on_two_cores, all_noise_512, 512)->Arg(1)->Arg(64)->Arg(512)->UseRealTime();
BENCHMARK_CAPTURE(mvm_on_two_cores, all_noise_2048, 2048)->Arg(1)->UseRealTime();

void two_cores_normals(benchmark::State& state) {
  const std::size_t n = 1 << 18;
  std::vector<float> from(n), to(n);
  const auto call = [&](int threads) {
    kernels(Backend::cpu)
        .add_normals({.threads = threads}, {.key = RngKey(7, Purpose::sampling),
                                            .scale = 1.0f,
                                            .from = from.data(),
                                            .to = to.data(),
                                            .size = n});
  };
  for (auto _ : state) call(2);
  report_two_cores(state, call);
}
BENCHMARK(two_cores_normals)->Name("normals_on_two_cores")->UseRealTime();

void two_cores_settle(benchmark::State& state) {
  const std::size_t n = 512 * 512;
  const DeviceParams params = device_from_preset("pcm-like");
  Buffer<float> fields({}, n * static_cast<std::size_t>(cell_fields(params))), plane({}, n);
  const CellsView view{&params, fields.data(), n};
  const RngKey key(7, Purpose::programming);
  const std::vector<float> target(n, 0.5f * g_max(params));
  kernels(Backend::cpu).program_cells({}, {.cells = view, .g_target = target.data(), .key = key});
  const auto call = [&](int threads) {
    kernels(Backend::cpu)
        .settle_cells(
            {.threads = threads},
            {.cells = view, .time = 86400.0, .key = key, .sign = 1.0f, .adds = false, .plane = plane.data()});
  };
  for (auto _ : state) call(2);
  report_two_cores(state, call);
}
BENCHMARK(two_cores_settle)->Name("settle_on_two_cores/pcm_like")->UseRealTime();

}  // namespace
}  // namespace mq
