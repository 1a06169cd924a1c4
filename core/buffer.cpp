#include "meltquench/core/buffer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "meltquench/core/error.h"

namespace mq {
namespace {

void* allocate_on_host(const Exec&, std::size_t bytes) {
  const std::size_t rounded = (bytes + 63) / 64 * 64;
  void* p = std::aligned_alloc(64, rounded);
  if (p == nullptr) {
    throw ResourceError("not enough memory for a buffer of " + std::to_string(bytes >> 20) +
                        " MiB; use a smaller batch, fewer chips at once (fewer threads) or smaller arrays");
  }
  return p;
}
void release_on_host(const Exec&, void* p) { std::free(p); }
void copy_on_host(const Exec&, void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}
void clear_on_host(const Exec&, void* p, std::size_t bytes) { std::memset(p, 0, bytes); }

constexpr MemoryOps kHost{allocate_on_host, release_on_host, copy_on_host,
                          copy_on_host,     copy_on_host,    clear_on_host};
std::array<const MemoryOps*, 3> registered{&kHost, &kHost, nullptr};

std::atomic<std::ptrdiff_t> bytes_now{0}, bytes_peak{0};

}  // namespace

const MemoryOps& memory_ops(Backend backend) {
  const MemoryOps* ops = registered[static_cast<std::size_t>(backend)];
  if (ops == nullptr) {
    throw BackendUnavailable(
        "the backend " + std::string(name(backend)) +
        " is not part of this build; build with the CUDA Toolkit and -DMQ_CUDA=ON, or choose "
        "the backend cpu");
  }
  return *ops;
}

void register_memory_ops(Backend backend, const MemoryOps& ops) {
  registered[static_cast<std::size_t>(backend)] = &ops;
}

std::size_t buffer_bytes() { return static_cast<std::size_t>(bytes_now.load()); }
std::size_t buffer_peak_bytes() { return static_cast<std::size_t>(bytes_peak.load()); }
void reset_buffer_peak() { bytes_peak = bytes_now.load(); }

namespace detail {
void count_buffer_bytes(std::ptrdiff_t change) {
  const std::ptrdiff_t now = bytes_now.fetch_add(change) + change;
  std::ptrdiff_t peak = bytes_peak.load();
  while (now > peak && !bytes_peak.compare_exchange_weak(peak, now)) {
  }
}
}  // namespace detail

}  // namespace mq
