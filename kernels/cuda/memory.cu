/// Device memory for `Buffer`. Every call waits for its stream, so that host and device never race over a
/// buffer.
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/kernels/cuda/device.h"

namespace mq::MQ_BACKEND {
namespace {

std::string mebibytes(std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

void release(const Exec&, void* p) {
  // A buffer dies here, perhaps because of the very error that this call would report: nothing is left to be
  // told.
  if (cudaFree(p) != cudaSuccess) cudaGetLastError();
}

void* allocate(const Exec& exec, std::size_t bytes) {
  require_device(exec);
  use_device(exec);
  void* p = nullptr;
  const cudaError_t error = cudaMalloc(&p, bytes);
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // forgotten: the device is fine
    std::size_t free = 0, all = 0;
    check(cudaMemGetInfo(&free, &all), exec, "asking for its free memory");
    throw ResourceError("not enough memory on CUDA device " + std::to_string(exec.device) +
                        " for a buffer of " + std::to_string(bytes) + " bytes (" + mebibytes(bytes) +
                        "): " + mebibytes(free) + " of " + mebibytes(all) +
                        " are free; use a smaller batch, smaller arrays or the backend cpu");
  }
  check(error, exec, "allocating memory");
  try {
    check(cudaMemsetAsync(p, 0, bytes, stream_of(exec)), exec, "clearing memory");
    check(cudaStreamSynchronize(stream_of(exec)), exec, "clearing memory");
  } catch (...) {
    release(exec, p);
    throw;
  }
  return p;
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

}  // namespace

const MemoryOps& device_memory() {
  static constexpr MemoryOps kOps{allocate, release, to_device, to_host};
  return kOps;
}

}  // namespace mq::MQ_BACKEND
