/// Device memory for `Buffer`: everything happens in the order of the stream, and only copies from and to the
/// host wait for it. Memory comes from the device's pool, which keeps what is released for the next buffer:
/// cudaMalloc and cudaFree would each stop the device.
#include <array>
#include <cstdint>
#include <mutex>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/kernels/cuda/device.h"
#include "meltquench/kernels/cuda/scratch.h"

namespace mq::MQ_BACKEND {
namespace {

std::string mebibytes(std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

cudaMemPool_t pool_of(const Exec& exec) {
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, exec.device), exec, "asking for its memory pool");
  return pool;
}

/// Once per device: what is released stays in the pool. By default it would go back to the system whenever a
/// stream is waited for.
void keep_released_memory(const Exec& exec) {
  static std::array<std::once_flag, 64> done;
  std::call_once(done[static_cast<std::size_t>(exec.device) % done.size()], [&] {
    std::uint64_t all = ~std::uint64_t(0);
    check(cudaMemPoolSetAttribute(pool_of(exec), cudaMemPoolAttrReleaseThreshold, &all), exec,
          "setting up its memory pool");
  });
}

void release(const Exec& exec, void* p) {
  // A buffer dies here, perhaps because of the very error that this call would report: nothing is left to be
  // told.
  const bool is_selected = cudaSetDevice(exec.device) == cudaSuccess;
  const bool is_released = cudaFreeAsync(p, stream_of(exec)) == cudaSuccess;
  if (!is_selected || !is_released) cudaGetLastError();
}

[[noreturn]] void throw_no_memory(const Exec& exec, std::size_t bytes) {
  cudaGetLastError();  // forgotten: the device is fine
  check(cudaStreamSynchronize(stream_of(exec)), exec, "waiting for released memory");
  check(cudaMemPoolTrimTo(pool_of(exec), 0), exec, "giving back released memory");
  std::size_t free = 0, all = 0;
  check(cudaMemGetInfo(&free, &all), exec, "asking for its free memory");
  throw ResourceError("not enough memory on CUDA device " + std::to_string(exec.device) +
                      " for a buffer of " + std::to_string(bytes) + " bytes (" + mebibytes(bytes) +
                      "): " + mebibytes(free) + " of " + mebibytes(all) +
                      " are free; use a smaller batch, smaller arrays or the backend cpu");
}

void clear(const Exec& exec, void* p, std::size_t bytes) {
  use_device(exec);
  check(cudaMemsetAsync(p, 0, bytes, stream_of(exec)), exec, "clearing memory");
}

void* allocate_uncleared(const Exec& exec, std::size_t bytes) {
  use_device(exec);
  keep_released_memory(exec);
  void* p = nullptr;
  const cudaError_t error = cudaMallocAsync(&p, bytes, stream_of(exec));
  if (error == cudaErrorMemoryAllocation) throw_no_memory(exec, bytes);
  check(error, exec, "allocating memory");
  return p;
}

void* allocate(const Exec& exec, std::size_t bytes) {
  require_device(exec);
  return allocate_uncleared(exec, bytes);
}

void to_device(const Exec& exec, void* to, const void* from, std::size_t bytes) {
  use_device(exec);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_of(exec)), exec, "copying to it");
  check(cudaStreamSynchronize(stream_of(exec)), exec, "copying to it");
}

void to_host(const Exec& exec, void* to, const void* from, std::size_t bytes) {
  use_device(exec);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_of(exec)), exec,
        "computing or copying back");
  check(cudaStreamSynchronize(stream_of(exec)), exec, "computing or copying back");
}

void within_device(const Exec& exec, void* to, const void* from, std::size_t bytes) {
  use_device(exec);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(exec)), exec, "copying on it");
}

}  // namespace

Scratch::Scratch(const Exec& exec, std::size_t bytes) : exec_(exec), data_(allocate_uncleared(exec, bytes)) {}
Scratch::~Scratch() { release(exec_, data_); }

const MemoryOps& device_memory() {
  static constexpr MemoryOps kOps{allocate, release, to_device, to_host, within_device, clear};
  return kOps;
}

}  // namespace mq::MQ_BACKEND
