#include "on_cpu.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <numeric>

namespace on_cpu {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kFence = 0;  // the sanitizer has its own, and also sees reads
#else
constexpr std::size_t kFence = 256;
#endif
constexpr int kFresh = 0xCD, kFenceByte = 0xA5;

struct Device {
  int count = 1, major = 9, minor = 0;
  cudaError_t count_error = cudaSuccess;
  std::size_t memory = std::size_t(1) << 30;
  int failing_allocation = 0, failing_kernel = 0;
  std::uint64_t thread_order = 0;
  cudaError_t last = cudaSuccess;    // forgotten by cudaGetLastError
  cudaError_t sticky = cudaSuccess;  // never forgotten
  std::size_t allocations = 0, kernels = 0;
};
Device device;
std::map<const unsigned char*, std::size_t> live;  // start -> bytes

cudaError_t report(cudaError_t error) {
  if (device.sticky != cudaSuccess) error = device.sticky;
  if (error != cudaSuccess) device.last = error;
  return error;
}

/// Whether [p, p + bytes) is device memory; `touches` if only a part of it is.
bool is_live(const void* p, std::size_t bytes, bool* touches = nullptr) {
  const auto* first = static_cast<const unsigned char*>(p);
  if (touches != nullptr) *touches = false;
  for (const auto& [start, size] : live) {
    if (first >= start && first + bytes <= start + size) return true;
    if (touches != nullptr && first < start + size && start < first + bytes) *touches = true;
  }
  return false;
}

bool fences_hold() {
  for (const auto& [start, size] : live) {
    for (std::size_t i = 0; i < kFence; ++i) {
      if (start[size + i] != kFenceByte || start[-1 - std::ptrdiff_t(i)] != kFenceByte) return false;
    }
  }
  return true;
}

std::size_t live_bytes() {
  std::size_t sum = 0;
  for (const auto& [start, size] : live) sum += size;
  return sum;
}

/// `n` counts down to the call that fails.
bool is_due(int& n) { return n > 0 && --n == 0; }

}  // namespace

void reset_device() {
  const std::uint64_t order = device.thread_order;
  device = {};
  device.thread_order = order;
}
void set_devices(int count, cudaError_t error) {
  device.count = count;
  device.count_error = error;
}
void set_compute_capability(int major, int minor) {
  device.major = major;
  device.minor = minor;
}
void set_memory(std::size_t bytes) { device.memory = bytes; }
void fail_allocation(int n) { device.failing_allocation = n; }
void fail_kernel(int n) { device.failing_kernel = n; }
void set_thread_order(std::uint64_t seed) { device.thread_order = seed; }
std::size_t live_allocations() { return live.size(); }
std::size_t allocations() { return device.allocations; }
std::size_t kernels() { return device.kernels; }

void run_grid(Grid grid, void (*thread)(void*), void* context) {
  if (grid.blocks == 0 || grid.blocks > 0x7fffffffu || grid.threads == 0 || grid.threads > 1024) {
    report(cudaErrorInvalidConfiguration);
    return;
  }
  if (report(cudaSuccess) != cudaSuccess) return;
  ++device.kernels;
  if (is_due(device.failing_kernel)) {
    device.sticky = cudaErrorLaunchFailure;
    return;
  }
  const std::uint64_t size = std::uint64_t(grid.blocks) * grid.threads;
  // i -> (factor i + offset) mod size visits every thread once, if factor and size have no divisor in common.
  const std::uint64_t mixed = device.thread_order * 0x9e3779b97f4a7c15u;
  std::uint64_t factor = mixed >> 32, offset = mixed % size;
  if (factor == 0) factor = 1;
  while (std::gcd(factor, size) != 1) ++factor;
  blockDim.x = grid.threads;
  for (std::uint64_t i = 0, t = offset; i < size; ++i, t = (t + factor) % size) {
    blockIdx.x = static_cast<unsigned>(t / grid.threads);
    threadIdx.x = static_cast<unsigned>(t % grid.threads);
    thread(context);
  }
  if (!fences_hold()) device.sticky = cudaErrorIllegalAddress;
}

}  // namespace on_cpu

using namespace on_cpu;

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInsufficientDriver:
      return "CUDA driver version is insufficient for CUDA runtime version";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
  }
  return "unrecognized error code";
}

cudaError_t cudaGetLastError() {
  const cudaError_t error = device.last;
  device.last = cudaSuccess;
  return error;
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device.count;
  return report(device.count_error);
}

cudaError_t cudaSetDevice(int number) {
  return report(number >= 0 && number < device.count ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int number) {
  if (number < 0 || number >= device.count) return report(cudaErrorInvalidDevice);
  *value = attribute == cudaDevAttrComputeCapabilityMajor ? device.major : device.minor;
  return report(cudaSuccess);
}

cudaError_t cudaMallocAsync(void** p, std::size_t bytes, cudaStream_t) {
  if (report(cudaSuccess) != cudaSuccess) return device.sticky;
  ++device.allocations;
  if (is_due(device.failing_allocation) || bytes > device.memory - live_bytes())
    return report(cudaErrorMemoryAllocation);
  auto* memory = static_cast<unsigned char*>(std::malloc(kFence + bytes + kFence));
  if (memory == nullptr) return report(cudaErrorMemoryAllocation);
  std::memset(memory, kFenceByte, kFence + bytes + kFence);
  std::memset(memory + kFence, kFresh, bytes);
  *p = memory + kFence;
  live[memory + kFence] = bytes;
  return cudaSuccess;
}

cudaError_t cudaFreeAsync(void* p, cudaStream_t) {
  const auto at = live.find(static_cast<unsigned char*>(p));
  if (at == live.end()) return report(cudaErrorInvalidValue);
  std::memset(p, kFresh, at->second);
  live.erase(at);
  std::free(static_cast<unsigned char*>(p) - kFence);
  return report(cudaSuccess);
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int number) {
  *pool = nullptr;
  return report(number >= 0 && number < device.count ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return report(cudaSuccess); }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return report(cudaSuccess); }

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* all) {
  *all = device.memory;
  *free = device.memory - live_bytes();
  return report(cudaSuccess);
}

cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t) {
  if (!is_live(p, bytes)) return report(cudaErrorInvalidValue);
  std::memset(p, value, bytes);
  return report(cudaSuccess);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
  if (kind == cudaMemcpyDeviceToDevice) {
    if (!is_live(to, bytes) || !is_live(from, bytes)) return report(cudaErrorInvalidValue);
    std::memcpy(to, from, bytes);
    return report(cudaSuccess);
  }
  const void* on_device = kind == cudaMemcpyHostToDevice ? to : from;
  const void* on_host = kind == cudaMemcpyHostToDevice ? from : to;
  bool host_touches_device = false;
  if (!is_live(on_device, bytes) || is_live(on_host, bytes, &host_touches_device) || host_touches_device) {
    return report(cudaErrorInvalidValue);
  }
  std::memcpy(to, from, bytes);
  return report(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t) { return report(cudaSuccess); }
