/// Codes of inputs as bytes, the way tensor cores read them.
///
/// A code is one slice, a signed byte, where no code exceeds 127; else two, an unsigned low and a signed high
/// byte: code = 256 high + low. Squares have 15 bits: two unsigned bytes.
#pragma once

#include "meltquench/kernels/cuda/mma.h"
#include "meltquench/kernels/cuda/mvm_quads.h"
#include "meltquench/kernels/cuda/panels.h"
#include "meltquench/kernels/quantize.h"

namespace mq::MQ_BACKEND {

/// One lane's share of 32 inputs x 8 columns, as `multiply_fragments` takes it. With one slice of codes
/// nobody reads their high bytes.
struct ByteFragment {
  TwoWords low{}, high{};
};

/// The low and the high bytes of four codes.
struct FourCodes {
  std::uint32_t low, high;
};
__device__ inline FourCodes bytes_of(const TwoWords& codes) {
  return {__byte_perm(codes.w[0], codes.w[1], 0x6420), __byte_perm(codes.w[0], codes.w[1], 0x7531)};
}

__device__ inline std::uint32_t squares_of_pair(std::uint32_t pair, int shift) {
  const std::int32_t first = static_cast<std::int16_t>(pair), second = static_cast<std::int32_t>(pair) >> 16;
  return static_cast<std::uint32_t>(square_of(first, shift)) |
         static_cast<std::uint32_t>(square_of(second, shift)) << 16;
}
__device__ inline TwoWords squares_of_four(const TwoWords& codes, int shift) {
  return {squares_of_pair(codes.w[0], shift), squares_of_pair(codes.w[1], shift)};
}

/// Rows of codes, read as they are: for products that are too small to rearrange them first.
struct PlainInputs {
  const std::int16_t* codes;  // of this lane's column, from the term's first input on; null: no such row
  std::uint32_t readable;     // codes that lie there, a multiple of 4
  int shift;                  // of squares

  __device__ PlainInputs(const MvmLayer& op, const MvmShape& shape, const MvmTerm& term, std::uint32_t column,
                         int square_shift)
      : readable(static_cast<std::uint32_t>(op.code_stride) - term.first_input), shift(square_shift) {
    const std::uint32_t row = shape.row_of(column);
    codes = row < shape.batch ? op.codes + std::size_t(row) * op.code_stride + term.first_input : nullptr;
  }
  __device__ TwoWords four(std::uint32_t j) const {
    if (codes == nullptr || j >= readable) return {};
    return *reinterpret_cast<const TwoWords*>(codes + j);
  }
  /// Bytes of codes and of their squares of a step's 32 inputs.
  __device__ void load(std::uint32_t step, ByteFragment& x, ByteFragment& squares) const {
    MQ_UNROLL
    for (std::uint32_t word = 0; word < 2; ++word) {
      const TwoWords four_codes = four(step * std::uint32_t(kStep) + threadIdx.x % 4 * 4 + word * 16);
      const FourCodes bytes = bytes_of(four_codes),
                      square_bytes = bytes_of(squares_of_four(four_codes, shift));
      x.low.w[word] = bytes.low, x.high.w[word] = bytes.high;
      squares.low.w[word] = square_bytes.low, squares.high.w[word] = square_bytes.high;
    }
  }
};

/// The bytes of all rows of a product, four inputs a word: [column tile][words][8 columns]. A warp's share of
/// a fragment is 32 neighbours. Terms find their inputs at any multiple of four; what a step reads beyond a
/// term's inputs meets weights of zero, and beyond the row there are zeros.
struct SlicedInputs {
  std::uint32_t* codes;  // [..][slices]
  TwoWords* squares;     // low, high; null without read noise
  std::uint32_t words;

  static std::uint32_t words_of(const MvmLayer& op) {
    return static_cast<std::uint32_t>(op.code_stride / 4 + kStep / 4);
  }
  /// This lane's first word of a term.
  __device__ std::size_t at(std::uint32_t column_tile, const MvmTerm& term) const {
    const std::uint32_t lane = threadIdx.x % 32;
    return (std::size_t(column_tile) * words + term.first_input / 4 + lane % 4) * 8 + lane / 4;
  }
};

/// Distance, in words of a column tile, from one step to the next, and within a step to its other 16 inputs.
inline constexpr std::uint32_t kNextStep = kStep / 4 * 8, kOtherHalf = kNextStep / 2;

template <int kSlices>
__device__ inline ByteFragment load_codes(const std::uint32_t* x, std::uint32_t step) {
  ByteFragment f;
  MQ_UNROLL
  for (std::uint32_t word = 0; word < 2; ++word) {
    const std::uint32_t at = step * kNextStep + word * kOtherHalf;
    if constexpr (kSlices == 1) {
      f.low.w[word] = x[at];
    } else {
      const TwoWords both = reinterpret_cast<const TwoWords*>(x)[at];
      f.low.w[word] = both.w[0], f.high.w[word] = both.w[1];
    }
  }
  return f;
}
__device__ inline ByteFragment load_squares(const TwoWords* x, std::uint32_t step) {
  const TwoWords first = x[step * kNextStep], second = x[step * kNextStep + kOtherHalf];
  return {{first.w[0], second.w[0]}, {first.w[1], second.w[1]}};
}

}  // namespace mq::MQ_BACKEND
