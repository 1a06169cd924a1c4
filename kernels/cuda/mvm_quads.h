/// From sums to outputs: what the products of CUDA do with a quad.
///
/// A quad is what a lane holds of one 16 x 8 result of mma.h: outputs o and o + kGap, columns c and c + 1. A
/// column is a row of the batch, shifted by one where the batch starts at an odd place of the data set, so
/// that a quad's two columns are the pair of rows that shares its random words (mvm_epilogue.h); outputs that
/// are 8 apart share them as well, so that one Philox block serves a quad.
#pragma once

#include "meltquench/kernels/cuda/reduce.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::MQ_BACKEND {

/// How a product is cut into outputs and columns.
struct MvmShape {
  std::uint32_t batch, block, blocks, terms;
  std::uint32_t first_is_odd;  ///< column = row + first_is_odd
  std::uint32_t column_tiles;  ///< of 8 columns

  explicit MvmShape(const MvmLayer& op)
      : batch(static_cast<std::uint32_t>(op.batch)),
        block(static_cast<std::uint32_t>(op.block)),
        blocks(static_cast<std::uint32_t>(op.blocks())),
        terms(static_cast<std::uint32_t>(op.terms_per_block)),
        first_is_odd(static_cast<std::uint32_t>(op.first_row & 1)),
        column_tiles((batch + first_is_odd + 7) / 8) {}

  /// Not below `batch` where there is no such row, in front of the first one as well: there it wraps.
  __device__ std::uint32_t row_of(std::uint32_t column) const { return column - first_is_odd; }
};

/// Where a quad stands: `o` counts from the first output of its block of outputs, which has `outputs`.
template <std::uint32_t kGap>
struct Quad {
  std::uint32_t block, outputs, o, column;

  __device__ std::uint32_t output(unsigned e) const { return o + e / 2 * kGap; }
  __device__ bool exists(const MvmShape& shape, unsigned e) const {
    return output(e) < outputs && shape.row_of(column + e % 2) < shape.batch;
  }
  /// Expects o % 16 < 8 with a gap of 8, else an even o.
  __device__ void draw_normals(const MvmLayer& op, const MvmTerm& term, float (&z)[4]) const {
    const std::uint64_t row = (op.first_row & ~std::uint64_t(1)) + column;  // the even one of its pair
    if constexpr (kGap == 8) {
      mvm_normals<float>(op, term, o, row, z[0], z[2]);
      mvm_normals<float>(op, term, o, row + 1, z[1], z[3]);
    } else {
      MQ_UNROLL
      for (unsigned e = 0; e < 4; ++e) {
        const std::uint32_t at = output(e);
        float first, spare;
        mvm_normals<float>(op, term, at / 16 * 16 + at % 8, row + e % 2, first, spare);
        z[e] = at % 16 < 8 ? first : spare;
      }
    }
  }
};

/// Noise and ADC at the end of a conversion, and its digital sum.
template <std::uint32_t kGap>
__device__ inline void finish_conversion(const MvmLayer& op, const MvmShape& shape, const MvmTerm& last,
                                         const Quad<kGap>& quad, bool has_noise,
                                         const Conversion<float> (&sums)[4], double (&total)[4],
                                         std::int32_t& clips) {
  float y[4];
  MQ_UNROLL
  for (unsigned e = 0; e < 4; ++e) y[e] = sums[e].y;
  if (has_noise) {
    float z[4];
    quad.draw_normals(op, last, z);
    MQ_UNROLL
    for (unsigned e = 0; e < 4; ++e) y[e] = add_noise(y[e], sums[e].variance, z[e]);
  }
  if (last.adc_codes_per_unit > 0.0f) {
    MQ_UNROLL
    for (unsigned e = 0; e < 4; ++e) {
      bool is_clipped = false;
      y[e] = adc_code(y[e], last.adc_codes_per_unit, last.adc_limit, is_clipped);
      clips += is_clipped && quad.exists(shape, e);
    }
  }
  MQ_UNROLL
  for (unsigned e = 0; e < 4; ++e) total[e] += static_cast<double>(y[e]) * last.multiplier;
}

template <std::uint32_t kGap>
__device__ inline void store_quad(const MvmLayer& op, const MvmShape& shape, const Quad<kGap>& quad,
                                  const double (&total)[4]) {
  MQ_UNROLL
  for (unsigned e = 0; e < 4; ++e) {
    if (!quad.exists(shape, e)) continue;
    op.y[std::size_t(shape.row_of(quad.column + e % 2)) * op.outputs + std::size_t(quad.block) * op.block +
         quad.output(e)] = static_cast<float>(total[e] * op.y_lsb);
  }
}

/// All lanes of a warp call it.
__device__ inline void count_clips(const MvmLayer& op, std::int32_t clips) {
  clips = warp_sum(clips);
  if (threadIdx.x % 32 == 0) add_to(&op.counts->adc_clips, clips);
}

}  // namespace mq::MQ_BACKEND
