/// What a point of a sweep costs before anything is computed.
///
///   plan/axis  a point of a sweep of that key: resolved, its keys, and its place in the plan
///   vs_text    time / time of resolving one config from its text
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include "meltquench/bench/reference_speed.h"
#include "meltquench/core/config.h"
#include "meltquench/experiment/experiment.h"

namespace mq {
namespace {

constexpr const char* kConfig =
    "device = \"pcm-like\"\n[data]\nname = \"synthetic\"\n[model]\nlayers = [32]\n[dac]\nbits = "
    "8\n[adc]\nbits = 8\n"
    "[eval]\nchips = 4\n";
constexpr std::size_t kPoints = 3000;

void plan(benchmark::State& state, const std::vector<std::string>& axes) {
  const double text = best_seconds(
      [] { benchmark::DoNotOptimize(RunConfig::from_value(parse_toml(kConfig, "bench.toml")).key()); });
  const RunOptions options{.output = std::filesystem::temp_directory_path() / "meltquench-no-runs"};
  const Value config = parse_toml(kConfig, "bench.toml");
  double seconds = 0.0;
  for (auto _ : state) {
    seconds = best_seconds(
        [&] { benchmark::DoNotOptimize(plan_experiment(sweep_points(config, axes), options).points); });
  }
  state.counters["us"] = seconds / kPoints * 1e6;
  state.counters["vs_text"] = seconds / kPoints / text;
}

BENCHMARK_CAPTURE(plan, adc, {"adc.noise=lin(0, 1, 3000)"})->Iterations(1);
BENCHMARK_CAPTURE(plan, device, {"device.g_max=lin(10 uS, 30 uS, 3000)"})->Iterations(1);
BENCHMARK_CAPTURE(plan, grid, {"device.prog_noise_scale=lin(0, 1, 60)", "adc.noise=lin(0, 1, 50)"})
    ->Iterations(1);
BENCHMARK_CAPTURE(plan, seed, {"seed=range(0, 3000)"})->Iterations(1);

}  // namespace
}  // namespace mq
