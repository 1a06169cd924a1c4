/// Runs a functor for every index: lanes and threads on the CPU, one thread per index on CUDA.
///
/// A functor is `template <class F> MQ_HD void operator()(std::uint32_t first) const`: it treats the indices
/// from `first` on, as many as F has lanes. Left-over indices come one at a time with F = float; both give
/// the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/contract.h"
#include "meltquench/core/exec.h"
#include "meltquench/core/lanes.h"
#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)
#include "meltquench/kernels/cuda/launch.h"
#endif

namespace mq::MQ_BACKEND {

#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)

template <class Body>
__global__ void for_each_kernel(const __grid_constant__ Body body, std::uint32_t size) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) body.template operator()<float>(i);
}

template <class Body>
void for_each(const Exec& exec, std::size_t size, const Body& body) {
  MQ_EXPECTS(size <= 0xffffffffu);
  if (size == 0) return;
  constexpr unsigned kThreads = 256;
  const unsigned blocks = static_cast<unsigned>((size + kThreads - 1) / kThreads);
  MQ_LAUNCH(for_each_kernel<Body>, blocks, kThreads, exec, body, static_cast<std::uint32_t>(size));
}

#else

#if defined(MQ_SCALAR)
using WideFloat = float;
#elif defined(__AVX2__)
using WideFloat = FloatLanes<8>;
#else
using WideFloat = FloatLanes<4>;
#endif

template <class Body>
void for_each(const Exec& exec, std::size_t size, const Body& body) {
  constexpr std::int64_t kWidth = LaneTraits<WideFloat>::kWidth;
  constexpr std::int64_t kChunk = 4096;  // cells per piece of work: enough to hide the cost of handing it out
  const std::int64_t n = static_cast<std::int64_t>(size);
  const std::int64_t chunks = (n + kChunk - 1) / kChunk;
  const auto run = [&](std::int64_t chunk) {
    const std::int64_t end = chunk * kChunk + kChunk < n ? chunk * kChunk + kChunk : n;
    std::int64_t i = chunk * kChunk;
    for (; i + kWidth <= end; i += kWidth) body.template operator()<WideFloat>(static_cast<std::uint32_t>(i));
    for (; i < end; ++i) body.template operator()<float>(static_cast<std::uint32_t>(i));
  };
  if (exec.threads > 1 && chunks > 1) {
#pragma omp parallel for schedule(static) num_threads(exec.threads)
    for (std::int64_t c = 0; c < chunks; ++c) run(c);
  } else {
    for (std::int64_t c = 0; c < chunks; ++c) run(c);
  }
}

#endif

}  // namespace mq::MQ_BACKEND
