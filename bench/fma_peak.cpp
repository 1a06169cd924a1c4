#include "meltquench/bench/reference_speed.h"

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

#include <utility>
#endif

namespace mq {
#if defined(__AVX2__) && defined(__FMA__)
namespace {

constexpr long kRounds = 200000;

/// One chain per N: enough of them hide the latency of two units. `asm` keeps the compiler from dropping the
/// work, the fold expression keeps the accumulators in registers.
template <std::size_t... N>
void run_chains(std::index_sequence<N...>) {
  __m256 c[] = {(static_cast<void>(N), _mm256_set1_ps(1.0f))...};
  const __m256 m = _mm256_set1_ps(0.999f), a = _mm256_set1_ps(1e-3f);
  for (long i = 0; i < kRounds; ++i) {
    (([&] { asm volatile("vfmadd213ps %2, %1, %0" : "+x"(c[N]) : "x"(m), "x"(a)); }()), ...);
  }
}

}  // namespace
#endif

double fma_peak() {
#if defined(__AVX2__) && defined(__FMA__)
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0.0;
  constexpr std::size_t kChains = 12;
  static const double peak =
      kRounds * double(kChains) * 8.0 / best_seconds([] { run_chains(std::make_index_sequence<kChains>{}); });
  return peak;
#else
  return 0.0;
#endif
}

}  // namespace mq
