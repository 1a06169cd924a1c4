/// Launches of planted_kernels.cu; what goes wrong is told by cudaGetLastError or a later call.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace on_cpu {

/// p[0, size) = value.
void fill(std::uint32_t* p, std::uint32_t size, std::uint32_t value, cudaStream_t stream);
/// to[0, size) = from[0, size).
void copy(std::uint32_t* to, const std::uint32_t* from, std::uint32_t size, cudaStream_t stream);
/// p[i] = p[i - 1] by one block, without a barrier between reads and writes.
void shift_with_a_race(std::uint32_t* p, std::uint32_t threads);
void start_nothing(dim3 grid, dim3 block, std::size_t shared);

}  // namespace on_cpu
