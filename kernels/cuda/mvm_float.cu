/// Grouped MVM without a DAC: every sum is one chain of fused multiply-adds over ascending inputs, as on the
/// CPU.
///
/// A block makes 64 outputs x 64 columns from 16 inputs at a time, which it stages in shared memory; a thread
/// holds four quads (mvm_parts.h).
#include "meltquench/kernels/cuda/mvm_parts.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::uint32_t kOutputs = 64, kColumns = 64, kDepth = 16;
constexpr unsigned kThreads = 256;

struct Stage {
  float w[kDepth][kOutputs];
  float x[kDepth][kColumns + 1];  // written along inputs: without the gap all in one bank
};

/// What a thread multiplies: quads [panel][pair of columns], elements as in QuadSums.
struct Chains {
  float mean[2][2][4] = {}, squares[2][2][4] = {};

  template <bool kSquares>
  __device__ void add(const Stage& stage, std::uint32_t k, std::uint32_t o, std::uint32_t column) {
    MQ_UNROLL
    for (std::uint32_t n = 0; n < 2; ++n) {
      float x[2], square[2];
      MQ_UNROLL
      for (std::uint32_t i = 0; i < 2; ++i) {
        x[i] = stage.x[k][column + 32 * n + i];
        square[i] = x[i] * x[i];
      }
      MQ_UNROLL
      for (std::uint32_t m = 0; m < 2; ++m) {
        MQ_UNROLL
        for (std::uint32_t e = 0; e < 4; ++e) {
          const float w = stage.w[k][o + 16 * m + 8 * (e / 2)];
          mean[m][n][e] = fma(x[e % 2], w, mean[m][n][e]);
          if constexpr (kSquares) squares[m][n][e] = fma(square[e % 2], abs(w), squares[m][n][e]);
        }
      }
    }
  }
};

/// Inputs [first, first + kDepth) of a tile, zeros where there are none; `panel` is the block's first.
__device__ inline void load_stage(const MvmLayer& op, const MvmShape& shape, const TilePlane& tile,
                                  std::uint32_t c, std::uint32_t panel, std::uint32_t first_column,
                                  std::uint32_t first, Stage& stage) {
  MQ_UNROLL
  for (std::uint32_t i = threadIdx.x; i < kDepth * kOutputs; i += kThreads) {
    const std::uint32_t k = i / 16 % kDepth, output = (panel + i / (16 * kDepth)) * 16 + i % 16;
    const bool exists = output < padded_outputs(tile.outputs) && first + k < tile.inputs;
    stage.w[k][i / (16 * kDepth) * 16 + i % 16] =
        exists ? tile.floats[float_panel_index(output, first + k, tile.inputs)] : 0.0f;
  }
  MQ_UNROLL
  for (std::uint32_t i = threadIdx.x; i < kDepth * kColumns; i += kThreads) {
    const std::uint32_t k = i % kDepth, row = shape.row_of(first_column + i / kDepth);
    const bool exists = row < shape.batch && first + k < tile.inputs;
    stage.x[k][i / kDepth] =
        exists ? op.x[std::size_t(row) * op.inputs + std::size_t(c) * op.tile_inputs + first + k] : 0.0f;
  }
}

__global__ void __launch_bounds__(kThreads)
    float_mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                     std::uint32_t groups_per_row, std::uint32_t blocks_n) {
  __shared__ Stage stage;
  const std::uint32_t group = blockIdx.x / blocks_n, tile_row = group / groups_per_row,
                      panel = group % groups_per_row * 4, first_column = blockIdx.x % blocks_n * kColumns;
  const TilePlane* tiles = op.tiles + std::size_t(tile_row) * shape.grid_inputs;
  const std::uint32_t outputs = tiles[0].outputs;
  if (panel * 16 >= outputs) return;  // the whole block
  // Threads of a warp: two outputs, sixteen pairs of columns.
  const std::uint32_t g = threadIdx.x / 16, o = g / 8 * 32 + g % 8, column = threadIdx.x % 16 * 2;
  double total[2][2][4] = {};
  std::int32_t clips = 0;
  for (std::uint32_t c = 0; c < shape.grid_inputs; ++c) {
    const TilePlane& tile = tiles[c];
    const bool reads_noisily = tile.read_variance > 0.0f;
    Chains chains;
    for (std::uint32_t first = 0; first < tile.inputs; first += kDepth) {
      __syncthreads();
      load_stage(op, shape, tile, c, panel, first_column, first, stage);
      __syncthreads();
      // Not beyond the last input: even adding 0 * 0 could turn -0 into 0.
      const std::uint32_t count = tile.inputs - first < kDepth ? tile.inputs - first : kDepth;
      if (reads_noisily) {
        for (std::uint32_t k = 0; k < count; ++k) chains.add<true>(stage, k, o, column);
      } else {
        for (std::uint32_t k = 0; k < count; ++k) chains.add<false>(stage, k, o, column);
      }
    }
    MQ_UNROLL
    for (std::uint32_t q = 0; q < 4; ++q) {
      QuadSums quad;
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) {
        quad.mean[e] = chains.mean[q / 2][q % 2][e];
        quad.squares[e] = chains.squares[q / 2][q % 2][e];
      }
      const std::uint32_t output = panel * 16 + o + 16 * (q / 2),
                          quad_column = first_column + column + 32 * (q % 2);
      float y[4];
      finish_quad(op, tile, quad, output, (op.first_row >> 1) + quad_column / 2,
                  elements_of_quad(shape, outputs, output, quad_column), y, clips);
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) total[q / 2][q % 2][e] += static_cast<double>(y[e]) * tile.multiplier;
    }
  }
  MQ_UNROLL
  for (std::uint32_t q = 0; q < 4; ++q) {
    const std::uint32_t output = panel * 16 + o + 16 * (q / 2),
                        quad_column = first_column + column + 32 * (q % 2);
    store_quad(op, shape, tile_row * shape.tile_outputs, output, quad_column,
               elements_of_quad(shape, outputs, output, quad_column), total[q / 2][q % 2]);
  }
  count_clips(op, clips);
}

}  // namespace

void float_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape) {
  const std::uint32_t groups_per_row = (shape.panels + 3) / 4;
  const std::size_t blocks_n = (std::size_t(shape.column_tiles) * 8 + kColumns - 1) / kColumns;
  const std::size_t blocks = op.grid_outputs() * groups_per_row * blocks_n;
  MQ_EXPECTS(blocks <= 0x7fffffffu);
  MQ_LAUNCH(float_mvm_kernel, static_cast<unsigned>(blocks), kThreads, exec, op, shape, groups_per_row,
            static_cast<std::uint32_t>(blocks_n));
}

}  // namespace mq::MQ_BACKEND
