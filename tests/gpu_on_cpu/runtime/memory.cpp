/// Device memory and copies. Host pointers double as device pointers.
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "device.h"

namespace on_cpu {
namespace {

constexpr int kFresh = 0xCD;
constexpr std::size_t kAlignment = 256;  // CUDA C++ Programming Guide, "Device Memory Accesses"

std::map<const std::byte*, std::size_t>& live() {  // start -> bytes
  static std::map<const std::byte*, std::size_t> all;
  return all;
}

bool is_live(const void* p, std::size_t bytes) { return device_memory().contains(p, bytes); }

bool touches_device(const void* p, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(p);
  const auto after = live().lower_bound(first + bytes);
  return after != live().begin() && first < std::prev(after)->first + std::prev(after)->second;
}

void forget(void* p) {
  const auto at = live().find(static_cast<std::byte*>(p));
  if (at == live().end()) return die(cudaErrorIllegalAddress);
  std::memset(p, kFresh, at->second);
  device_memory().remove(p);
  live().erase(at);
  std::free(p);
}

/// Bytes that nobody wrote stay so.
void copy_on_device(void* to, const void* from, std::size_t bytes) {
  std::memmove(to, from, bytes);
  const auto source = reinterpret_cast<std::uintptr_t>(from), target = reinterpret_cast<std::uintptr_t>(to);
  ptx::Allocation& from_memory = *device_memory().find(source);
  ptx::Allocation& to_memory = *device_memory().find(target);
  if (ptx::DeviceMemory::is_written(from_memory, source, bytes)) {
    return ptx::DeviceMemory::mark_written(to_memory, target, bytes);
  }
  for (std::size_t i = 0; i < bytes; ++i) {
    if (ptx::DeviceMemory::is_written(from_memory, source + i, 1)) {
      ptx::DeviceMemory::mark_written(to_memory, target + i, 1);
    }
  }
}

/// Memory may be freed between a call and its work; a dead device does nothing.
bool may_touch(const void* p, std::size_t bytes) {
  if (is_dead()) return false;
  if (is_live(p, bytes)) return true;
  die(cudaErrorIllegalAddress);
  return false;
}

}  // namespace

std::size_t live_bytes() {
  std::size_t sum = 0;
  for (const auto& [start, bytes] : live()) sum += bytes;
  return sum;
}

ptx::DeviceMemory& device_memory() {
  static ptx::DeviceMemory the_memory;
  return the_memory;
}

std::size_t live_allocations() {
  finish_all();
  return live().size();
}

}  // namespace on_cpu

using namespace on_cpu;

extern "C" {

cudaError_t cudaMallocAsync(void** p, std::size_t bytes, cudaStream_t) {
  if (report(cudaSuccess) != cudaSuccess) return device().sticky;
  *p = nullptr;
  if (bytes == 0) return cudaSuccess;
  ++device().allocations;
  if (is_due(device().failing_allocation)) return report(cudaErrorMemoryAllocation);
  if (bytes > device().memory || live_bytes() > device().memory - bytes)
    finish_all();  // frees may be pending
  if (bytes > device().memory || live_bytes() > device().memory - bytes)
    return report(cudaErrorMemoryAllocation);
  auto* memory = static_cast<std::byte*>(
      std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment));
  if (memory == nullptr) return report(cudaErrorMemoryAllocation);
  std::memset(memory, kFresh, bytes);
  live()[memory] = bytes;
  device_memory().add(memory, bytes);
  *p = memory;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** p, std::size_t bytes) { return cudaMallocAsync(p, bytes, nullptr); }

/// Freed in the order of the stream, on a dead device as well.
cudaError_t cudaFreeAsync(void* p, cudaStream_t stream) {
  if (p == nullptr) return report(cudaSuccess);
  if (!live().contains(static_cast<std::byte*>(p))) return report(cudaErrorInvalidValue);
  submit(stream, [p] { forget(p); });
  return report(cudaSuccess);
}
cudaError_t cudaFree(void* p) {
  finish_all();  // as on a GPU it waits for the device
  return cudaFreeAsync(p, nullptr);
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* all) {
  finish_all();
  *all = device().memory;
  *free = device().memory - live_bytes();
  return report(cudaSuccess);
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int number) {
  *pool = nullptr;
  return report(number >= 0 && number < device().count ? cudaSuccess : cudaErrorInvalidDevice);
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return report(cudaSuccess); }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return report(cudaSuccess); }

cudaError_t cudaMemsetAsync(void* p, int value, std::size_t bytes, cudaStream_t stream) {
  if (!is_live(p, bytes)) return report(cudaErrorInvalidValue);
  submit(stream, [=] {
    if (!may_touch(p, bytes)) return;
    std::memset(p, value, bytes);
    device_memory().mark_written(p, bytes);
  });
  return report(cudaSuccess);
}

/// Host memory is taken for pageable (CUDA Runtime API, "API synchronization behavior"): a copy to the device
/// may read it during the call. What a copy from the device writes holds 0xCD until the copy is done.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const bool to_device = kind != cudaMemcpyDeviceToHost, from_device = kind != cudaMemcpyHostToDevice;
  if (kind == cudaMemcpyHostToHost || kind == cudaMemcpyDefault) return report(cudaErrorInvalidValue);
  if (to_device ? !is_live(to, bytes) : touches_device(to, bytes)) return report(cudaErrorInvalidValue);
  if (from_device ? !is_live(from, bytes) : touches_device(from, bytes)) return report(cudaErrorInvalidValue);
  if (to_device && from_device) {
    submit(stream, [=] {
      if (may_touch(to, bytes) && may_touch(from, bytes)) copy_on_device(to, from, bytes);
    });
  } else if (to_device) {
    std::shared_ptr<std::byte[]> staged(new std::byte[bytes]);
    std::memcpy(staged.get(), from, bytes);
    submit(stream, [=] {
      if (!may_touch(to, bytes)) return;
      std::memcpy(to, staged.get(), bytes);
      device_memory().mark_written(to, bytes);
    });
  } else {
    std::memset(to, kFresh, bytes);
    submit(stream, [=] {
      if (may_touch(from, bytes)) std::memcpy(to, from, bytes);
    });
  }
  return report(cudaSuccess);
}

}  // extern "C"
