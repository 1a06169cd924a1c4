/// Transposition of a block of floats in registers, for packing.
#pragma once

#include <cstddef>

#include "meltquench/core/lanes.h"

namespace mq::MQ_BACKEND {
namespace {

using Eight = FloatLanes<8>;

/// 8 x 8 values, by three rounds of pairwise interleaving.
MQ_HD void transpose_8x8(const float* from, std::size_t stride, float* to, std::size_t to_stride) {
  Eight r[8], t[8];
  MQ_UNROLL
  for (int i = 0; i < 8; ++i) r[i] = load<Eight>(from + static_cast<std::size_t>(i) * stride);
  MQ_UNROLL
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = Eight(__builtin_shufflevector(r[2 * i].v, r[2 * i + 1].v, 0, 8, 2, 10, 4, 12, 6, 14));
    t[2 * i + 1] = Eight(__builtin_shufflevector(r[2 * i].v, r[2 * i + 1].v, 1, 9, 3, 11, 5, 13, 7, 15));
  }
  MQ_UNROLL
  for (int i = 0; i < 4; ++i) {
    const int a = i / 2 * 4 + i % 2;
    r[a] = Eight(__builtin_shufflevector(t[a].v, t[a + 2].v, 0, 1, 8, 9, 4, 5, 12, 13));
    r[a + 2] = Eight(__builtin_shufflevector(t[a].v, t[a + 2].v, 2, 3, 10, 11, 6, 7, 14, 15));
  }
  MQ_UNROLL
  for (int i = 0; i < 4; ++i) {
    store(to + static_cast<std::size_t>(i) * to_stride,
          Eight(__builtin_shufflevector(r[i].v, r[i + 4].v, 0, 1, 2, 3, 8, 9, 10, 11)));
    store(to + static_cast<std::size_t>(i + 4) * to_stride,
          Eight(__builtin_shufflevector(r[i].v, r[i + 4].v, 4, 5, 6, 7, 12, 13, 14, 15)));
  }
}

}  // namespace
}  // namespace mq::MQ_BACKEND
