#include "on_cpu.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <string>

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
  std::string finding;               // why
  std::size_t allocations = 0, kernels = 0;
};
Device device;
std::map<const unsigned char*, std::size_t> live;  // start -> bytes
std::set<const void*> handles;                     // streams and events

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

const char* name_of(cudaError_t error) {
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
    case cudaErrorInitializationError:
      return "initialization error";
    case cudaErrorStubLibrary:
      return "CUDA driver is a stub library";
    case cudaErrorSystemNotReady:
      return "system not yet initialized";
    case cudaErrorUnknown:
      return "unknown error";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorIllegalAddress:
      return "an illegal memory access was encountered";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
  }
  return "unrecognized error code";
}

// A stream or an event is no more than a name: work is done before its call returns. Null is the stream that
// is always there.
template <class Handle>
cudaError_t create(Handle* handle) {
  if (report(cudaSuccess) != cudaSuccess) return device.sticky;
  *handle = reinterpret_cast<Handle>(new char);
  handles.insert(*handle);
  return cudaSuccess;
}
cudaError_t destroy(const void* handle) {
  if (handles.erase(handle) == 0) return report(cudaErrorInvalidResourceHandle);
  delete static_cast<const char*>(handle);
  return report(cudaSuccess);
}
cudaError_t use(const void* handle, const void* other = nullptr) {
  for (const void* h : {handle, other}) {
    if (h != nullptr && handles.count(h) == 0) return report(cudaErrorInvalidResourceHandle);
  }
  return report(cudaSuccess);
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

std::string last_finding() { return device.finding; }

void start(const Launch& launch) {
  const dim3 &blocks = launch.blocks, &threads = launch.threads;
  const std::uint64_t block_size = std::uint64_t(threads.x) * threads.y * threads.z;
  if (blocks.x == 0 || blocks.x > 0x7fffffffu || blocks.y == 0 || blocks.y > 0xffffu || blocks.z == 0 ||
      blocks.z > 0xffffu || block_size == 0 || block_size > kMaxThreads || threads.z > 64) {
    report(cudaErrorInvalidConfiguration);
    return;
  }
  if (report(cudaSuccess) != cudaSuccess) return;
  ++device.kernels;
  if (is_due(device.failing_kernel)) {
    device.sticky = cudaErrorLaunchFailure;
    return;
  }
  device.finding = run_grid(launch, device.thread_order);
  if (!device.finding.empty()) {
    device.sticky = cudaErrorLaunchFailure;
  } else if (!fences_hold()) {
    device.sticky = cudaErrorIllegalAddress;
    device.finding = "kernel " + std::string(launch.kernel) + ": it wrote beyond an allocation";
  }
}

}  // namespace on_cpu

using namespace on_cpu;

const char* cudaGetErrorString(cudaError_t error) {
  static std::string with_finding;
  if (error == device.sticky && !device.finding.empty()) {
    with_finding = std::string(name_of(error)) + " (" + device.finding + ")";
    return with_finding.c_str();
  }
  return name_of(error);
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
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *value = 132;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = device.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = device.minor;
      break;
  }
  return report(cudaSuccess);
}

cudaError_t cudaMalloc(void** p, std::size_t bytes) {
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

cudaError_t cudaFree(void* p) {
  const auto at = live.find(static_cast<unsigned char*>(p));
  if (at == live.end()) return report(cudaErrorInvalidValue);
  std::memset(p, kFresh, at->second);
  live.erase(at);
  std::free(static_cast<unsigned char*>(p) - kFence);
  return report(cudaSuccess);
}

cudaError_t cudaMallocAsync(void** p, std::size_t bytes, cudaStream_t) { return cudaMalloc(p, bytes); }
cudaError_t cudaFreeAsync(void* p, cudaStream_t) { return cudaFree(p); }

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
  const auto is_host = [&](const void* p) {
    bool touches_device = false;
    return !is_live(p, bytes, &touches_device) && !touches_device;
  };
  const bool from_is_right = kind == cudaMemcpyHostToDevice ? is_host(from) : is_live(from, bytes);
  const bool to_is_right = kind == cudaMemcpyDeviceToHost ? is_host(to) : is_live(to, bytes);
  if (!from_is_right || !to_is_right) return report(cudaErrorInvalidValue);
  std::memmove(to, from, bytes);
  return report(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize() { return report(cudaSuccess); }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return use(stream); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) { return create(stream); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return destroy(stream); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return create(event); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return destroy(event); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return event == nullptr ? report(cudaErrorInvalidResourceHandle) : use(event, stream);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) { return use(event); }
cudaError_t cudaEventQuery(cudaEvent_t event) { return use(event); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return use(event, stream);
}
