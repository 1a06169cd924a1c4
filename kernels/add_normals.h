/// Independent noise on every element of an array, as hardware-aware training adds it to weights.
#pragma once

#include <cstddef>

#include "meltquench/core/random.h"

namespace mq {

/// to[i] = from[i] + scale * z(i) for i < size, with scale * *factor in place of scale where there is a
/// factor. z(i) is draw i / 8 % 4 of the random numbers with index i / 32 * 8 + i % 8: eight lanes use all
/// four numbers of a block. `to` may be `from`.
struct AddNormals {
  RngKey key;
  float scale = 1.0f;
  const float* factor = nullptr;  ///< on the backend, or null
  const float* from = nullptr;
  float* to = nullptr;
  std::size_t size = 0;
  Tail tail = Tail::bits_23;
};

}  // namespace mq
