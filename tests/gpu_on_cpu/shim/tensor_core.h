/// Integer matrix products of a warp, as the tensor cores do them.
#pragma once

#include <cstdint>

#include "block.h"

namespace on_cpu {

/// d += a b for a[16, 32] of bytes, b[32, 8] of bytes and d[16, 8] of 32-bit integers, modulo 2^32: what
/// mma.sync.aligned.m16n8k32.row.col.s32.{s8,u8}.{s8,u8}.s32 does with c = d. All 32 lanes call it.
///
/// A lane holds parts of the matrices. With g = lane / 4 and t = lane % 4, bytes counted from the lowest:
///   a: byte i of register r is a[g + 8 (r % 2), 16 (r / 2) + 4 t + i], r < 4
///   b: byte i of register r is b[16 r + 4 t + i, g], r < 2
///   d: register r is d[g + 8 (r / 2), 2 t + r % 2], r < 4
/// Source: PTX ISA 9.0, "Matrix Fragments for mma.m16n8k32" (integer types).
void mma_m16n8k32(std::int32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                  bool a_is_signed, bool b_is_signed, Where where = Where::current());

}  // namespace on_cpu
