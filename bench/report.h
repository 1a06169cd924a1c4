/// Data and counters that the benchmarks share.
#pragma once

#include <benchmark/benchmark.h>

#include <vector>

#include "meltquench/bench/reference_speed.h"
#include "meltquench/core/random.h"

namespace mq {

/// Uniform in +-1, a function of the seed.
inline std::vector<float> uniform(std::size_t n, std::uint64_t seed) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) {
    Rng<float> rng(RngKey(seed, Purpose::sampling), static_cast<std::uint32_t>(i));
    values[i] = 2.0f * rng.uniform() - 1.0f;
  }
  return values;
}

inline void report_items(benchmark::State& state, double items_per_call, double seconds) {
  state.counters["M_items/s"] = items_per_call / seconds * 1e-6;
  state.counters["peak_fmas"] = fma_peak() * seconds / items_per_call;
}

/// Against OpenBLAS with the kernels that it picks on this processor, and with those for AVX2.
inline void report_openblas(benchmark::State& state, std::size_t n, std::size_t batch, double seconds) {
  state.counters["vs_blas"] = seconds / openblas_seconds(n, batch);
  const double avx2 = openblas_avx2_seconds(n, batch);
  if (avx2 > 0.0) state.counters["vs_avx2"] = seconds / avx2;
}

}  // namespace mq
