/// A stand-in for the toolkit's header of this name: the CUDA dialect and the calls that kernels/cuda/ uses,
/// on the CPU.
///
/// Error codes and meanings are those of the CUDA Runtime API, CUDA Toolkit 13.0. What tests steer and see is
/// in on_cpu.h. Kernels without barriers only: a thread runs from start to end before the next one starts.
#pragma once

#include <cstddef>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __grid_constant__

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInsufficientDriver = 35,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchFailure = 719,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
enum cudaMemPoolAttr { cudaMemPoolAttrReleaseThreshold = 4 };
using cudaMemPool_t = struct CUmemPoolHandle_st*;
enum cudaDeviceAttr { cudaDevAttrComputeCapabilityMajor = 75, cudaDevAttrComputeCapabilityMinor = 76 };
using cudaStream_t = struct CUstream_st*;

const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetLastError();
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaMallocAsync(void** p, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream);
cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device);
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value);
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, std::size_t kept);
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* all);
cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

namespace on_cpu {

struct Index {
  unsigned x = 0;
};
struct Grid {
  unsigned blocks, threads;
};

/// Calls `thread(context)` once for each thread of the grid, in the order that the test has chosen.
void run_grid(Grid grid, void (*thread)(void* context), void* context);

template <class... Parameters, class... Arguments>
void launch(Grid grid, void (*kernel)(Parameters...), const Arguments&... arguments) {
  struct Call {
    void (*kernel)(Parameters...);
    std::tuple<std::decay_t<Parameters>...> arguments;
  } call{kernel, {arguments...}};
  const auto thread = [](void* context) {
    const Call& c = *static_cast<const Call*>(context);
    std::apply(c.kernel, c.arguments);
  };
  run_grid(grid, thread, &call);
}

}  // namespace on_cpu

inline thread_local on_cpu::Index threadIdx, blockIdx, blockDim;

template <class T>
T atomicAdd(T* p, std::type_identity_t<T> x) {
  const T before = *p;
  *p += x;
  return before;
}
template <class T>
T atomicMax(T* p, std::type_identity_t<T> x) {
  const T before = *p;
  if (x > before) *p = x;
  return before;
}
