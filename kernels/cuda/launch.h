/// How kernels start and how their threads add up: only in ways that no order of threads can change.
#pragma once

#include <cstdint>

#include "meltquench/core/math.h"
#include "meltquench/kernels/cuda/device.h"

/// Runs `kernel` with `blocks` blocks of `threads` threads (each a number or a dim3) on the device and stream
/// of `exec`. A kernel that cannot start throws at once; one that fails while it runs is reported by a later
/// call (device.h).
#if defined(MQ_CUDA_ON_CPU)
#define MQ_START(kernel, blocks, threads, exec, ...) \
  ::on_cpu::launch(#kernel, blocks, threads, kernel, __VA_ARGS__)
#else
#define MQ_START(kernel, blocks, threads, exec, ...) \
  kernel<<<blocks, threads, 0, ::mq::MQ_BACKEND::stream_of(exec)>>>(__VA_ARGS__)
#endif
#define MQ_LAUNCH(kernel, blocks, threads, exec, ...)                       \
  do {                                                                      \
    ::mq::MQ_BACKEND::use_device(exec);                                     \
    MQ_START(kernel, blocks, threads, exec, __VA_ARGS__);                   \
    ::mq::MQ_BACKEND::check(cudaGetLastError(), exec, "starting a kernel"); \
  } while (false)

namespace mq::MQ_BACKEND {

/// p, which points to device memory: nvcc cannot know that of a pointer that was itself read from memory, and
/// would ask each time what kind of memory it is.
template <class T>
__device__ inline const T* in_device_memory(const T* p) {
#if !defined(MQ_CUDA_ON_CPU) && defined(__CUDA_ARCH__)
  __builtin_assume(__isGlobal(p));
#endif
  return p;
}

/// CUDA adds unsigned numbers; in two's complement a sum of signed ones is the same bits.
__device__ inline void add_to(std::int64_t* sum, std::int64_t x) {
  using Bits = unsigned long long;
  if (x != 0) atomicAdd(reinterpret_cast<Bits*>(sum), static_cast<Bits>(x));
}

}  // namespace mq::MQ_BACKEND
