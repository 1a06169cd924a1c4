/// Runs a functor for every index: lanes and threads on the CPU, one thread per index on CUDA.
///
/// A functor is `template <class F> MQ_HD void operator()(std::uint32_t first) const`: it treats the indices
/// from `first` on, as many as F has lanes. Left-over indices come one at a time with F = float; both give
/// the same bits.
///
/// `for_each_row` does the same for places (row, column). Its functor is `MQ_HD void operator()(std::uint32_t
/// row, std::uint32_t first, std::uint32_t last) const` and treats the columns [first, last) of a row: all of
/// them on the CPU, a single one on CUDA.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "meltquench/core/contract.h"
#include "meltquench/core/exec.h"
#include "meltquench/core/math.h"
#include "meltquench/core/thread_team.h"
#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)
#include "meltquench/kernels/cuda/launch.h"
#endif

namespace mq::MQ_BACKEND {

#if defined(__CUDACC__) || defined(MQ_CUDA_ON_CPU)

using WideFloat = float;

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

template <class Body>
__global__ void for_each_row_kernel(const __grid_constant__ Body body, std::uint32_t columns,
                                    std::uint32_t size) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= size) return;
  const std::uint32_t row = i / columns, column = i % columns;
  body(row, column, column + 1);
}

template <class Body>
void for_each_row(const Exec& exec, std::size_t rows, std::size_t columns, const Body& body) {
  const std::size_t size = rows * columns;
  MQ_EXPECTS(size <= 0xffffffffu);
  if (size == 0) return;
  constexpr unsigned kThreads = 256;
  const unsigned blocks = static_cast<unsigned>((size + kThreads - 1) / kThreads);
  MQ_LAUNCH(for_each_row_kernel<Body>, blocks, kThreads, exec, body, static_cast<std::uint32_t>(columns),
            static_cast<std::uint32_t>(size));
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
  parallel_for(exec.threads, chunks, run);
}

template <class Body>
void for_each_row(const Exec& exec, std::size_t rows, std::size_t columns, const Body& body) {
  constexpr std::size_t kWorthAThread = 4096;  // places, as above
  const auto n = static_cast<std::int64_t>(rows);
  const auto last = static_cast<std::uint32_t>(columns);
  if (columns == 0) return;
  const int threads = rows * columns > kWorthAThread ? exec.threads : 1;
  parallel_for(threads, n, [&](std::int64_t r) { body(static_cast<std::uint32_t>(r), 0u, last); });
}

#endif

/// Adds to a sum that other indices add to as well. On the CPU only where they run on one thread.
MQ_HD void add_in_any_order(std::int64_t* sum, std::int64_t x) {
#if defined(__CUDA_ARCH__) || defined(MQ_CUDA_ON_CPU)
  add_to(sum, x);
#else
  *sum += x;
#endif
}

/// Adds to a sum, of integers, that any thread adds to.
template <class T>
MQ_HD void add_from_any_thread(T* sum, T x) {
#if defined(__CUDA_ARCH__) || defined(MQ_CUDA_ON_CPU)
  using Bits = std::conditional_t<sizeof(T) == 8, unsigned long long, unsigned>;
  atomicAdd(reinterpret_cast<Bits*>(sum), static_cast<Bits>(x));
#else
  __atomic_fetch_add(sum, x, __ATOMIC_RELAXED);
#endif
}

/// Raises the maximum, at least 0, of a row; on the CPU only where one thread has the row.
MQ_HD void raise_from_any_thread(float* largest, float x) {
#if defined(__CUDA_ARCH__) || defined(MQ_CUDA_ON_CPU)
  atomicMax(reinterpret_cast<unsigned*>(largest), to_bits(x));  // floats from 0 on are ordered as their bits
#else
  *largest = max(*largest, x);
#endif
}

}  // namespace mq::MQ_BACKEND
