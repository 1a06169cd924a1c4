/// Panels for the transposed product: 16 inputs of a plane, over all outputs, as if they were outputs of the
/// transposed plane.
///
/// A strip lives in the cache of the thread that reads it with a block of rows; there is one plane in memory.
#pragma once

#include <cstdlib>
#include <cstring>

#include "meltquench/core/buffer.h"
#include "meltquench/kernels/mvm.h"
#include "meltquench/kernels/transpose_8x8.h"

namespace mq::MQ_BACKEND {
namespace {

/// Memory of one thread, kept for its next product and counted like that of buffers.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { resize(0); }

  /// False where there is not enough memory.
  bool reserve(std::size_t bytes) {
    if (bytes > size_) resize((bytes + 63) / 64 * 64);
    return bytes <= size_;
  }
  void* data() { return memory_; }

 private:
  void resize(std::size_t bytes) {
    std::free(memory_);
    detail::count_buffer_bytes(-static_cast<std::ptrdiff_t>(size_));
    memory_ = bytes == 0 ? nullptr : std::aligned_alloc(64, bytes);
    size_ = memory_ == nullptr ? 0 : bytes;
    detail::count_buffer_bytes(static_cast<std::ptrdiff_t>(size_));
  }

  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

/// A function, so that each thread passes the declaration and with it the registration of the destructor.
inline Scratch& own_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

/// Four 16-bit numbers, two outputs of two inputs; swapping the middle two pairs the outputs instead.
typedef std::int16_t Quads __attribute__((vector_size(32)));
typedef std::int64_t Squares __attribute__((vector_size(32)));

/// strip[outputs/2][16][2] of the inputs [16 strip, 16 strip + 16) from panels [outputs/16][inputs/2][16][2].
inline void fill_strip(const std::int16_t* panels, std::size_t outputs, std::size_t inputs, std::size_t strip,
                       std::int16_t* to) {
  const std::size_t pairs = padded_inputs(inputs) / 2, first = strip * kPanel / 2;
  const std::size_t count = pairs - first < 8 ? pairs - first : 8;
  for (std::size_t o = 0; o < outputs; o += kPanel) {
    const std::int16_t* panel = panels + (o / kPanel * pairs + first) * kPanel * 2;
    // An 8 x 8 transposition of elements of 64 bits, in blocks of 4 x 4.
    for (std::size_t block = 0; block < 4; ++block) {
      const std::size_t pair = block / 2 * 4, output = block % 2 * 4;  // of 8 pairs of inputs, of outputs
      Squares r[4];
      MQ_UNROLL
      for (std::size_t i = 0; i < 4; ++i) {
        Quads v{};
        if (pair + i < count) std::memcpy(&v, panel + (pair + i) * kPanel * 2 + output * 4, sizeof(v));
        v = __builtin_shufflevector(v, v, 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15);
        std::memcpy(&r[i], &v, sizeof(v));
      }
      const Squares t[4] = {
          __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6), __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7),
          __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6), __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7)};
      const Squares rows[4] = {
          __builtin_shufflevector(t[0], t[2], 0, 1, 4, 5), __builtin_shufflevector(t[1], t[3], 0, 1, 4, 5),
          __builtin_shufflevector(t[0], t[2], 2, 3, 6, 7), __builtin_shufflevector(t[1], t[3], 2, 3, 6, 7)};
      MQ_UNROLL
      for (std::size_t i = 0; i < 4; ++i) {
        std::memcpy(to + ((o / 2 + output + i) * 8 + pair) * 4, &rows[i], sizeof(rows[i]));
      }
    }
  }
}

/// strip[outputs][16] of the inputs [16 strip, 16 strip + 16) from panels [outputs/16][inputs][16].
inline void fill_strip(const float* panels, std::size_t outputs, std::size_t inputs, std::size_t strip,
                       float* to) {
  const std::size_t padded = padded_inputs(inputs), first = strip * kPanel;
  const std::size_t count = padded - first < kPanel ? padded - first : kPanel;
  for (std::size_t o = 0; o < outputs; o += kPanel) {
    const float* panel = panels + (o / kPanel * padded + first) * kPanel;
    const std::size_t in_blocks = count / 8 * 8;
    for (std::size_t j = 0; j < in_blocks; j += 8) {
      for (std::size_t i = 0; i < kPanel; i += 8)
        transpose_8x8(panel + j * kPanel + i, kPanel, to + (o + i) * kPanel + j, kPanel);
    }
    for (std::size_t j = in_blocks; j < kPanel; ++j) {
      for (std::size_t i = 0; i < kPanel; ++i) {
        to[(o + i) * kPanel + j] = j < count ? panel[j * kPanel + i] : 0.0f;
      }
    }
  }
}

}  // namespace
}  // namespace mq::MQ_BACKEND
