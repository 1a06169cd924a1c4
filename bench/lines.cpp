/// Which line goes where in an array with stuck cells, one core.
///
///   choose_lines/N/spares/faults   N x N normal weights (sigma 0.3 of full scale) on a pair of arrays, of
///   whose
///                                  cells `faults` per mille are stuck, half low, half high
///   error_left                     squared error of the weights / that without remapping
#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "meltquench/bench/report.h"
#include "meltquench/core/random.h"
#include "meltquench/crossbar/line_choice.h"
#include "meltquench/devices/faults.h"

namespace mq {
namespace {

constexpr float kSigma = 0.3f;

std::vector<ArrayDefects> stuck_pair(const LineMap& map, float share) {
  std::vector<ArrayDefects> arrays(2);
  for (std::uint32_t side = 0; side < 2; ++side) {
    ArrayDefects& array = arrays[side];
    array.weight_per_siemens = side == 0 ? 1.0 : -1.0;
    for (std::uint32_t i = 0; i < map.outputs.size() * map.inputs.size(); ++i) {
      const float w = kSigma * Rng<float>(RngKey(1, Purpose::sampling), i).normal();
      array.targets.push_back(std::clamp(side == 0 ? w : -w, 0.0f, 1.0f));
    }
    ArrayFaults faults;
    faults.params.stuck_low = faults.params.stuck_high = 0.5f * share;
    faults.key = RngKey(1, Purpose::fabrication, side);
    faults.g_max = 1.0f;
    for (std::uint32_t i = 0; i < map.bit_lines * map.word_lines; ++i) {
      array.found.push_back(fault_of<float>(faults, i, 0.0f));
    }
  }
  return arrays;
}

template <Remap kHow>
void choose_lines(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0)),
             spares = static_cast<std::size_t>(state.range(1));
  const LineMap in_order = LineMap::in_order(size, size, spares, spares);
  const std::vector<ArrayDefects> arrays = stuck_pair(in_order, 1e-3f * static_cast<float>(state.range(2)));
  LineMap map;
  for (auto _ : state) map = mq::choose_lines(kHow, in_order, arrays);
  state.counters["error_left"] = squared_error(map, arrays) / squared_error(in_order, arrays);
}

void sizes(benchmark::internal::Benchmark* rows, const std::vector<int>& spares) {
  rows->Unit(benchmark::kMillisecond);
  for (const int spare : spares) {
    for (const int faults : {1, 10, 50}) rows->Args({256, spare, faults});
    rows->Args({512, spare, 10});
  }
}

BENCHMARK(choose_lines<Remap::replace>)->Apply([](auto* rows) { sizes(rows, {8}); });
BENCHMARK(choose_lines<Remap::permute>)->Apply([](auto* rows) { sizes(rows, {0, 8}); });

}  // namespace
}  // namespace mq
