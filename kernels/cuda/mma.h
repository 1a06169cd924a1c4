/// One function per PTX instruction that CUDA C++ has no word for, with a C++ body for the stand-in on the
/// CPU.
#pragma once

#include <cstdint>

#include "meltquench/kernels/cuda/launch.h"

namespace mq::MQ_BACKEND {

/// One lane's share of a fragment: loaded and stored in one piece.
struct alignas(16) FourWords {
  std::uint32_t w[4];
};
struct alignas(8) TwoWords {
  std::uint32_t w[2];
};

/// d += a b on a tensor core, exact in 32-bit integers: a is [16, 32], b is [32, 8], of signed or unsigned
/// bytes. All 32 lanes call it together. PTX ISA 9.0, "Matrix Fragments for mma.m16n8k32"; with g = lane / 4
/// and t = lane % 4 a lane holds, four bytes to a word,
///     a.w[r]: row g + 8 (r % 2), columns 4 t + 16 (r / 2) and the next three
///     b.w[r]: rows 4 t + 16 r and the next three, column g
///     d[e]:   row g + 8 (e / 2), column 2 t + e % 2
template <bool kSignedA, bool kSignedB>
__device__ inline void multiply_fragments(std::int32_t (&d)[4], const FourWords& a, const TwoWords& b) {
#if defined(MQ_CUDA_ON_CPU)
  ::on_cpu::mma_m16n8k32(d, a.w, b.w, kSignedA, kSignedB);
#else
#define MQ_MMA(type_a, type_b)                                               \
  asm("mma.sync.aligned.m16n8k32.row.col.s32." type_a "." type_b             \
      ".s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};" \
      : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])                       \
      : "r"(a.w[0]), "r"(a.w[1]), "r"(a.w[2]), "r"(a.w[3]), "r"(b.w[0]), "r"(b.w[1]))
  if constexpr (kSignedA && kSignedB) {
    MQ_MMA("s8", "s8");
  } else if constexpr (kSignedA) {
    MQ_MMA("s8", "u8");
  } else if constexpr (kSignedB) {
    MQ_MMA("u8", "s8");
  } else {
    MQ_MMA("u8", "u8");
  }
#undef MQ_MMA
#endif
}

}  // namespace mq::MQ_BACKEND
