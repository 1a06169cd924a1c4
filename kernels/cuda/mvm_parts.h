/// What the products of CUDA share: inputs as slices of bytes, the way from sums to what a tile adds to an
/// output, and the counting of clips.
///
/// A quad is what a lane holds of one 16 x 8 result of mma.h: outputs o and o + 8, columns 2 t and 2 t + 1. A
/// column is a row of the batch, shifted by one where the batch starts at an odd place of the data set, so
/// that a quad's two columns are the pair of rows that shares its random numbers (mvm_epilogue.h): one Philox
/// block serves a quad.
#pragma once

#include "meltquench/kernels/cuda/mma.h"
#include "meltquench/kernels/cuda/panels.h"
#include "meltquench/kernels/cuda/reduce.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::MQ_BACKEND {

/// Where a product stands in the grid of tiles, and how its batch is cut into columns.
struct MvmShape {
  std::uint32_t batch, outputs, tile_outputs, grid_inputs;
  std::uint32_t panels;        ///< per row of tiles
  std::uint32_t first_is_odd;  ///< column = row + first_is_odd
  std::uint32_t column_tiles;  ///< of 8 columns

  explicit MvmShape(const MvmLayer& op)
      : batch(static_cast<std::uint32_t>(op.batch)),
        outputs(static_cast<std::uint32_t>(op.outputs)),
        tile_outputs(static_cast<std::uint32_t>(op.tile_outputs)),
        grid_inputs(static_cast<std::uint32_t>(op.grid_inputs())),
        panels(static_cast<std::uint32_t>(padded_outputs(op.tile_outputs) / kPanel)),
        first_is_odd(static_cast<std::uint32_t>(op.first_row & 1)),
        column_tiles((batch + first_is_odd + 7) / 8) {}

  /// Beyond the batch (at the front as well: it wraps) a row is not smaller than `batch`.
  __device__ std::uint32_t row_of(std::uint32_t column) const { return column - first_is_odd; }
};

/// Sums of a quad as floats, rounded once: [output o, o + 8][column 2 t, 2 t + 1].
struct QuadSums {
  float mean[4] = {}, squares[4] = {};
};

/// The normals of a quad: outputs o and o + 8 of the two rows of `pair`. Expects o % 16 < 8.
__device__ inline void quad_normals(const RngKey& key, std::uint32_t o, std::uint64_t pair, float (&z)[4]) {
  mvm_normals<float>(key, o, 2 * pair, z[0], z[2]);
  mvm_normals<float>(key, o, 2 * pair + 1, z[1], z[3]);
}

/// Noise and ADC of one quad; the results are what the tile adds to its outputs, before `y_lsb`. `counted`:
/// bit e where element e exists.
__device__ inline void finish_quad(const MvmLayer& op, const TilePlane& tile, const QuadSums& sums,
                                   std::uint32_t o, std::uint64_t pair, unsigned counted, float (&y)[4],
                                   std::int32_t& clips) {
  const bool reads_noisily = tile.read_variance > 0.0f;
  MQ_UNROLL
  for (int e = 0; e < 4; ++e) y[e] = sums.mean[e] * static_cast<float>(tile.scale);
  if (reads_noisily || tile.output_variance > 0.0f) {
    RngKey key = op.key;
    key.place = tile.tile << 16 | (key.place & 0xffffu);
    float z[4];
    quad_normals(key, o, pair, z);
    MQ_UNROLL
    for (int e = 0; e < 4; ++e) {
      const float variance = reads_noisily ? fma(sums.squares[e], tile.read_variance, tile.output_variance)
                                           : tile.output_variance;
      y[e] = add_noise(y[e], variance, z[e]);
    }
  }
  if (tile.adc_codes_per_unit > 0.0f) {
    MQ_UNROLL
    for (int e = 0; e < 4; ++e) {
      bool is_clipped = false;
      y[e] = adc_code(y[e], tile.adc_codes_per_unit, tile.adc_limit, is_clipped);
      clips += is_clipped && (counted >> e & 1u) != 0;
    }
  }
}

/// Codes of four consecutive inputs, as bytes: four inputs a word.
struct CodeBytes {
  std::uint32_t low, high;
};
__device__ inline CodeBytes bytes_of(std::uint32_t first_pair, std::uint32_t second_pair) {
  return {__byte_perm(first_pair, second_pair, 0x6420), __byte_perm(first_pair, second_pair, 0x7531)};
}

/// Two squared codes, shifted, 15 bits each.
__device__ inline std::uint32_t squares_of(std::uint32_t pair, int shift) {
  const std::int32_t first = static_cast<std::int16_t>(pair), second = static_cast<std::int32_t>(pair) >> 16;
  return static_cast<std::uint32_t>(first * first >> shift) |
         static_cast<std::uint32_t>(second * second >> shift) << 16;
}

/// One lane's share of 32 inputs x 8 columns: low and high bytes of codes and of their squares.
struct InputFragment {
  TwoWords low, high;
  TwoWords low_squares, high_squares;
};

/// `codes`: those of this lane's column, from the tile's first input on; `readable` of them lie there (even).
__device__ inline InputFragment load_inputs(const std::int16_t* codes, std::uint32_t step, std::uint32_t lane,
                                            std::uint32_t readable, int shift) {
  InputFragment f;
  MQ_UNROLL
  for (std::uint32_t word = 0; word < 2; ++word) {
    const std::uint32_t j = step * std::uint32_t(kStep) + lane % 4 * 4 + word * 16;
    const std::uint32_t* pairs = reinterpret_cast<const std::uint32_t*>(codes + j);
    const std::uint32_t first = j < readable ? pairs[0] : 0u, second = j + 2 < readable ? pairs[1] : 0u;
    const CodeBytes bytes = bytes_of(first, second),
                    squares = bytes_of(squares_of(first, shift), squares_of(second, shift));
    f.low.w[word] = bytes.low, f.high.w[word] = bytes.high;
    f.low_squares.w[word] = squares.low, f.high_squares.w[word] = squares.high;
  }
  return f;
}

/// Sums over steps of products of bytes. With one slice a code fits a signed byte, and `high` and `low` are
/// those of the weight; with two the products are ordered by their power of 256.
///
/// 32 bits hold them over kSafeSteps: |high w * low x + low w * high x| <= 2 * 128 * 255 per input, low w *
/// low x <= 255 * 255, and 32768 * 65280 < 2^31; magnitudes <= 127 times bytes are less.
inline constexpr std::uint32_t kSafeSteps = 1024;

template <int kSlices>
struct MeanSums {
  std::int32_t top[kSlices == 2 ? 4 : 1] = {};  // high w * high x
  std::int32_t high[4] = {}, low[4] = {};

  __device__ void add(const FourWords& w_high, const FourWords& w_low, const TwoWords& x_low,
                      const TwoWords& x_high) {
    if constexpr (kSlices == 1) {
      multiply_fragments<true, true>(high, w_high, x_low);
      multiply_fragments<false, true>(low, w_low, x_low);
    } else {
      multiply_fragments<true, true>(top, w_high, x_high);
      multiply_fragments<true, false>(high, w_high, x_low);
      multiply_fragments<false, true>(high, w_low, x_high);
      multiply_fragments<false, false>(low, w_low, x_low);
    }
  }
  __device__ std::int64_t sum(int e) const {
    std::int64_t sum = std::int64_t(high[e]) * 256 + low[e];
    if constexpr (kSlices == 2) sum += std::int64_t(top[e]) * 65536;
    return sum;
  }
};

struct SquareSums {
  std::int32_t high[4] = {}, low[4] = {};

  __device__ void add(const FourWords& magnitudes, const TwoWords& x_low, const TwoWords& x_high) {
    multiply_fragments<false, false>(low, magnitudes, x_low);
    multiply_fragments<false, false>(high, magnitudes, x_high);
  }
  __device__ std::int64_t sum(int e) const { return std::int64_t(high[e]) * 256 + low[e]; }
};

/// Fragments of one panel of a tile: [step][32 lanes].
__device__ inline const FourWords* code_fragments(const TilePlane& tile, std::uint32_t panel) {
  return reinterpret_cast<const FourWords*>(tile.codes) + std::size_t(panel) * steps_of(tile.inputs) * 64;
}
__device__ inline const FourWords* magnitude_fragments(const TilePlane& tile, std::uint32_t panel) {
  return reinterpret_cast<const FourWords*>(tile.magnitudes) +
         std::size_t(panel) * steps_of(tile.inputs) * 32;
}

/// Outputs o and o + 8, columns c and c + 1: which exist (bit e as in QuadSums), and writing them.
__device__ inline unsigned elements_of_quad(const MvmShape& shape, std::uint32_t tile_outputs,
                                            std::uint32_t o, std::uint32_t column) {
  unsigned elements = 0;
  MQ_UNROLL
  for (unsigned e = 0; e < 4; ++e) {
    if (o + e / 2 * 8 < tile_outputs && shape.row_of(column + e % 2) < shape.batch) elements |= 1u << e;
  }
  return elements;
}
__device__ inline void store_quad(const MvmLayer& op, const MvmShape& shape, std::uint32_t first_output,
                                  std::uint32_t o, std::uint32_t column, unsigned elements,
                                  const double (&total)[4]) {
  MQ_UNROLL
  for (unsigned e = 0; e < 4; ++e) {
    if ((elements >> e & 1u) == 0) continue;
    op.y[std::size_t(shape.row_of(column + e % 2)) * op.outputs + first_output + o + e / 2 * 8] =
        static_cast<float>(total[e] * op.y_lsb);
  }
}

/// Products without a DAC (mvm_float.cu).
void float_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape);

/// All lanes of a warp call it.
__device__ inline void count_clips(const MvmLayer& op, std::int32_t clips) {
  clips = warp_sum(clips);
  if (threadIdx.x % 32 == 0) add_to(&op.counts->adc_clips, clips);
}

}  // namespace mq::MQ_BACKEND
