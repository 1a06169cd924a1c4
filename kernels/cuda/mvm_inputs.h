/// Codes of inputs as bytes, the way tensor cores read them.
///
/// A code is one slice, a signed byte, where no code exceeds 127; else two, an unsigned low and a signed high
/// byte: code = 256 high + low. Squares have 15 bits: two unsigned bytes.
#pragma once

#include <type_traits>

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

/// The bytes of all rows of a product, four inputs a word: [four column tiles][words / 4][planes][8 columns]
/// [4 words][tile of the four]. So a lane reads what it needs of neighbouring tiles in one piece, and a warp
/// reads a whole plane in the order of its lanes, which no two lanes want from one bank. Terms find their
/// inputs at any multiple of four; what a step reads beyond a term's inputs meets weights of zero, and beyond
/// the row there are zeros.
struct SlicedInputs {
  std::uint32_t* codes;    // a plane per slice
  std::uint32_t* squares;  // two planes, low and high; null without read noise
  std::uint32_t words;     // a multiple of 4

  static std::uint32_t words_of(const MvmLayer& op) {
    return static_cast<std::uint32_t>((op.code_stride + 15) / 16 * 4 + kStep / 4);
  }
  /// Words of a plane.
  static std::size_t size_of(const MvmLayer& op, const MvmShape& shape) {
    return std::size_t((shape.column_tiles + 3) / 4) * words_of(op) * 32;
  }
  /// This lane's first words of a term; `from`: the codes or the squares.
  template <int kPlanes>
  __device__ const std::uint32_t* at(const std::uint32_t* from, std::uint32_t column_tile,
                                     const MvmTerm& term) const {
    const std::uint32_t lane = threadIdx.x % 32, word = term.first_input / 4 + lane % 4;
    return from + (std::size_t(column_tile / 4) * words + word / 4 * 4) * 32 * kPlanes + lane / 4 * 16 +
           word % 4 * 4 + column_tile % 4;
  }
};

inline constexpr std::uint32_t kPlaneWords = 128;  ///< 16 inputs of 32 columns

/// A step of kN neighbouring column tiles.
template <int kPlanes, int kN>
__device__ inline void load_step(const std::uint32_t* x, std::uint32_t step, ByteFragment (&to)[kN]) {
  using Words = std::conditional_t<kN == 4, FourWords, TwoWords>;
  static_assert(kN * sizeof(std::uint32_t) == sizeof(Words));
  MQ_UNROLL
  for (std::uint32_t i = 0; i < 2 * kPlanes; ++i) {
    const std::uint32_t half = i / kPlanes, plane = i % kPlanes;
    const Words words = *reinterpret_cast<const Words*>(x + (step * 2 * kPlanes + i) * kPlaneWords);
    MQ_UNROLL
    for (int n = 0; n < kN; ++n) (plane == 0 ? to[n].low : to[n].high).w[half] = words.w[n];
  }
}

}  // namespace mq::MQ_BACKEND
