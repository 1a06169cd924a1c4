/// Owning memory on one backend. CPU memory is aligned to 64 bytes; kernels borrow it, nobody copies it.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"

namespace mq {

/// How a backend handles memory. The CUDA backend registers its own; `allocate` returns memory with any
/// content. On CUDA everything happens in the order of the stream of the Exec, and only the two copies from
/// and to host memory wait.
struct MemoryOps {
  void* (*allocate)(const Exec&, std::size_t bytes);
  void (*release)(const Exec&, void*);
  void (*to_backend)(const Exec&, void* to, const void* from, std::size_t bytes);
  void (*to_host)(const Exec&, void* to, const void* from, std::size_t bytes);
  void (*within_backend)(const Exec&, void* to, const void* from, std::size_t bytes);
  void (*clear)(const Exec&, void*, std::size_t bytes);
};

/// Throws BackendUnavailable where nobody registered the backend.
const MemoryOps& memory_ops(Backend backend);
void register_memory_ops(Backend backend, const MemoryOps& ops);

/// Bytes held by all buffers now, and the most there ever were since the last `reset_buffer_peak()`.
std::size_t buffer_bytes();
std::size_t buffer_peak_bytes();
void reset_buffer_peak();
namespace detail {
void count_buffer_bytes(std::ptrdiff_t change);
}

/// A buffer's memory calls go to the stream of the Exec that it was made with, which must outlive it.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  /// `size` zeroed elements. Throws ResourceError if there is not enough memory.
  Buffer(const Exec& exec, std::size_t size) : Buffer(exec, size, Uncleared{}) { clear(); }
  /// `size` elements with any content, for memory that is written before it is read. Throws likewise.
  static Buffer uncleared(const Exec& exec, std::size_t size) { return Buffer(exec, size, Uncleared{}); }
  /// A copy of host memory.
  Buffer(const Exec& exec, std::span<const T> host) : Buffer(exec, host.size(), Uncleared{}) {
    copy_from(host);
  }
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (data_ != nullptr) memory_ops(exec_.backend).release(exec_, data_);
    detail::count_buffer_bytes(-static_cast<std::ptrdiff_t>(size_ * sizeof(T)));
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Backend backend() const { return exec_.backend; }
  bool is_on_host() const { return exec_.backend != Backend::cuda; }

  /// Expects as many elements as the buffer has.
  void copy_from(std::span<const T> host) {
    MQ_EXPECTS(host.size() == size_);
    if (size_ != 0) memory_ops(exec_.backend).to_backend(exec_, data_, host.data(), size_ * sizeof(T));
  }
  void copy_to(std::span<T> host) const {
    MQ_EXPECTS(host.size() == size_);
    if (size_ != 0) memory_ops(exec_.backend).to_host(exec_, host.data(), data_, size_ * sizeof(T));
  }
  /// Elements [first, first + count) become a copy of memory on the same backend that does not overlap them.
  void copy_within_backend(const T* from, std::size_t count, std::size_t first = 0) {
    MQ_EXPECTS(first <= size_ && count <= size_ - first);
    if (count != 0) {
      memory_ops(exec_.backend).within_backend(exec_, data_ + first, from, count * sizeof(T));
    }
  }
  /// Sets every element to zero.
  void clear() {
    if (size_ != 0) memory_ops(exec_.backend).clear(exec_, data_, size_ * sizeof(T));
  }
  MatrixView<T> as_matrix(std::size_t rows, std::size_t columns) {
    MQ_EXPECTS(rows * columns <= size_);
    return {data_, rows, columns};
  }
  MatrixView<const T> as_matrix(std::size_t rows, std::size_t columns) const {
    MQ_EXPECTS(rows * columns <= size_);
    return {data_, rows, columns};
  }

 private:
  struct Uncleared {};
  Buffer(const Exec& exec, std::size_t size, Uncleared) : exec_(exec), size_(size) {
    if (size != 0) data_ = static_cast<T*>(memory_ops(exec.backend).allocate(exec, size * sizeof(T)));
    detail::count_buffer_bytes(static_cast<std::ptrdiff_t>(size * sizeof(T)));
  }
  void swap(Buffer& other) noexcept {
    std::swap(exec_, other.exec_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }

  Exec exec_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace mq
