/// Sums and maxima over the threads of a warp or a block, before one of them tells the others through memory.
#pragma once

#include "meltquench/kernels/cuda/launch.h"

namespace mq::MQ_BACKEND {

inline constexpr std::uint32_t kAllLanes = 0xffffffffu;

/// Over the 32 lanes of a warp, all of which call it; every lane gets the result.
template <class T>
__device__ inline T warp_sum(T x) {
  for (int distance = 16; distance > 0; distance /= 2) x += __shfl_xor_sync(kAllLanes, x, distance);
  return x;
}
__device__ inline std::uint32_t warp_max(std::uint32_t x) {
  for (int distance = 16; distance > 0; distance /= 2) {
    const std::uint32_t other = __shfl_xor_sync(kAllLanes, x, distance);
    x = other > x ? other : x;
  }
  return x;
}

/// *sum += what the threads of a block bring: one atomic operation per block. All threads call it, kThreads
/// of them, and `scratch` is shared memory of their own.
template <unsigned kThreads>
__device__ inline void add_block_sum(std::int64_t* sum, std::int64_t mine,
                                     std::int64_t (&scratch)[kThreads / 32]) {
  mine = warp_sum(mine);
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = mine;
  __syncthreads();
  if (threadIdx.x == 0) {
    std::int64_t all = 0;
    for (const std::int64_t warp : scratch) all += warp;
    add_to(sum, all);
  }
}

/// *largest becomes the largest of itself and what the threads of a block bring; as above.
template <unsigned kThreads>
__device__ inline void raise_to_block_max(std::uint32_t* largest, std::uint32_t mine,
                                          std::uint32_t (&scratch)[kThreads / 32]) {
  mine = warp_max(mine);
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = mine;
  __syncthreads();
  if (threadIdx.x == 0) {
    std::uint32_t all = 0;
    for (const std::uint32_t warp : scratch) all = warp > all ? warp : all;
    atomicMax(largest, all);
  }
}

}  // namespace mq::MQ_BACKEND
