// Kernels of the tests of the stand-in runtime: small ones that are right, and some that are wrong on
// purpose.
#include "planted_kernels.h"

namespace on_cpu {
namespace {

__global__ void fill_kernel(std::uint32_t* p, std::uint32_t size, std::uint32_t value) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) p[i] = value;
}

__global__ void copy_kernel(std::uint32_t* to, const std::uint32_t* from, std::uint32_t size) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < size) to[i] = from[i];
}

__global__ void shift_kernel(std::uint32_t* p) {
  const std::uint32_t left = p[threadIdx.x == 0 ? 0 : threadIdx.x - 1];
  p[threadIdx.x] = left;  // of which some neighbour may have been overwritten: other warps are not waited for
}

__global__ void nothing_kernel() {}

}  // namespace

void fill(std::uint32_t* p, std::uint32_t size, std::uint32_t value, cudaStream_t stream) {
  fill_kernel<<<(size + 127) / 128, 128, 0, stream>>>(p, size, value);
}
void copy(std::uint32_t* to, const std::uint32_t* from, std::uint32_t size, cudaStream_t stream) {
  copy_kernel<<<(size + 127) / 128, 128, 0, stream>>>(to, from, size);
}
void shift_with_a_race(std::uint32_t* p, std::uint32_t threads) { shift_kernel<<<1, threads>>>(p); }
void start_nothing(dim3 grid, dim3 block, std::size_t shared) { nothing_kernel<<<grid, block, shared>>>(); }

}  // namespace on_cpu
