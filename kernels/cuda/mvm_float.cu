/// Grouped MVM without a DAC: every sum is one chain of fused multiply-adds over ascending inputs, as on the
/// CPU.
///
/// A block makes 64 outputs x 64 columns from 16 inputs at a time, which it stages in shared memory; a thread
/// holds four quads (mvm_quads.h).
#include "meltquench/kernels/cuda/mvm_launch.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::uint32_t kOutputs = 64, kColumns = 64, kDepth = 16;
constexpr unsigned kThreads = 256;

struct alignas(8) TwoFloats {
  float v[2];
};

/// The gaps keep what is written along inputs out of one bank; pairs of columns are read in one piece.
struct Stage {
  float w[kDepth][kOutputs + 1];
  TwoFloats x[kDepth][kColumns / 2 + 1];
};

/// What a thread multiplies: quads [outputs 16 apart][columns 32 apart], elements as in Quad.
struct Chains {
  float mean[2][2][4] = {}, squares[2][2][4] = {};

  template <bool kSquares>
  __device__ void add(const Stage& stage, std::uint32_t k, std::uint32_t o, std::uint32_t column) {
    MQ_UNROLL
    for (std::uint32_t n = 0; n < 2; ++n) {
      const TwoFloats pair = stage.x[k][column / 2 + 16 * n];
      float x[2], square[2];
      MQ_UNROLL
      for (std::uint32_t i = 0; i < 2; ++i) x[i] = pair.v[i], square[i] = x[i] * x[i];
      MQ_UNROLL
      for (std::uint32_t i = 0; i < 8; ++i) {
        const std::uint32_t m = i / 4, e = i % 4;
        const float w = stage.w[k][o + 16 * m + 8 * (e / 2)];
        mean[m][n][e] = fma(x[e % 2], w, mean[m][n][e]);
        if constexpr (kSquares) squares[m][n][e] = fma(square[e % 2], abs(w), squares[m][n][e]);
      }
    }
  }
};

/// What a thread loads of inputs [first, first + kDepth) of a term, zeros where there are none. Neighbours
/// read neighbours: panels hold 16 outputs of one input side by side, whichever of them are the product's
/// outputs.
template <Direction kDirection>
struct Piece {
  static constexpr std::uint32_t kWeights = kDepth * kOutputs / kThreads,
                                 kInputs = kDepth * kColumns / kThreads;
  float w[kWeights], x[kInputs];

  __device__ static void place(std::uint32_t i, std::uint32_t& k, std::uint32_t& o) {
    k = kDirection == Direction::forward ? i / 16 % kDepth : i % kDepth;
    o = kDirection == Direction::forward ? i / (16 * kDepth) * 16 + i % 16 : i / kDepth;
  }
  __device__ void load(const MvmLayer& op, const MvmShape& shape, const MvmTerm& term,
                       std::uint32_t first_output, std::uint32_t first_column, std::uint32_t first) {
    const std::uint32_t outputs = outputs_of(term, kDirection), inputs = inputs_of(term, kDirection);
    const float* weights = in_device_memory(term.floats);
    MQ_UNROLL
    for (std::uint32_t n = 0; n < kWeights; ++n) {
      std::uint32_t k, o;
      place(threadIdx.x + n * kThreads, k, o);
      const bool exists = first_output + o < outputs && first + k < inputs;
      w[n] = exists ? weights[float_index(term, kDirection, first_output + o, first + k)] : 0.0f;
    }
    MQ_UNROLL
    for (std::uint32_t n = 0; n < kInputs; ++n) {
      const std::uint32_t i = threadIdx.x + n * kThreads, k = first + i % kDepth,
                          row = shape.row_of(first_column + i / kDepth);
      const bool exists = row < shape.batch && k < inputs;
      x[n] = exists ? op.x[std::size_t(row) * op.x_stride + term.first_input + k] : 0.0f;
    }
  }
  __device__ void store(Stage& stage) const {
    MQ_UNROLL
    for (std::uint32_t n = 0; n < kWeights; ++n) {
      std::uint32_t k, o;
      place(threadIdx.x + n * kThreads, k, o);
      stage.w[k][o] = w[n];
    }
    MQ_UNROLL
    for (std::uint32_t n = 0; n < kInputs; ++n) {
      const std::uint32_t i = threadIdx.x + n * kThreads, column = i / kDepth;
      stage.x[i % kDepth][column / 2].v[column % 2] = x[n];
    }
  }
};

template <Direction kDirection>
__global__ void __launch_bounds__(kThreads)
    float_mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                     std::uint32_t groups, std::uint32_t blocks_n) {
  __shared__ Stage stages[2];  // take turns, so that one barrier is enough
  const std::uint32_t place = blockIdx.x / blocks_n, block = place / groups,
                      first_output = place % groups * kOutputs,
                      first_column = blockIdx.x % blocks_n * kColumns;
  const MvmTerm* terms = op.terms + std::size_t(block) * shape.terms;
  const std::uint32_t outputs = outputs_of(terms[0], kDirection);
  if (first_output >= outputs) return;  // the whole block
  // Threads of a warp: two outputs, sixteen pairs of columns.
  const std::uint32_t g = threadIdx.x / 16, o = g / 8 * 32 + g % 8, column = threadIdx.x % 16 * 2;
  const auto quad = [&](std::uint32_t q) {
    return Quad<8>{block, outputs, first_output + o + 16 * (q / 2), first_column + column + 32 * (q % 2)};
  };
  std::uint32_t turn = 0;
  double total[4][4] = {};
  Conversion<float> conversion[4][4];
  bool has_noise = false;
  std::int32_t clips = 0;
  for (std::uint32_t t = 0; t < shape.terms; ++t) {
    const MvmTerm& term = terms[t];
    const bool reads_noisily = term.read_variance > 0.0f;
    const std::uint32_t inputs = inputs_of(term, kDirection);
    Chains chains;
    Piece<kDirection> next;
    next.load(op, shape, term, first_output, first_column, 0);
    for (std::uint32_t first = 0; first < inputs; first += kDepth, turn ^= 1) {
      Stage& stage = stages[turn];
      next.store(stage);
      __syncthreads();
      next.load(op, shape, term, first_output, first_column, first + kDepth);
      if (inputs - first >= kDepth) {
        if (reads_noisily) {
          MQ_NO_UNROLL
          for (std::uint32_t k = 0; k < kDepth; k += 4) {
            MQ_UNROLL
            for (std::uint32_t i = 0; i < 4; ++i) chains.add<true>(stage, k + i, o, column);
          }
        } else {
          MQ_NO_UNROLL
          for (std::uint32_t k = 0; k < kDepth; k += 4) {
            MQ_UNROLL
            for (std::uint32_t i = 0; i < 4; ++i) chains.add<false>(stage, k + i, o, column);
          }
        }
      } else {  // not beyond the last input: even adding 0 * 0 could turn -0 into 0
        MQ_NO_UNROLL
        for (std::uint32_t k = 0; k < inputs - first; ++k) {
          if (reads_noisily) {
            chains.add<true>(stage, k, o, column);
          } else {
            chains.add<false>(stage, k, o, column);
          }
        }
      }
    }
    MQ_UNROLL
    for (std::uint32_t i = 0; i < 16; ++i) {
      const std::uint32_t q = i / 4, e = i % 4;
      const float mean = chains.mean[q / 2][q % 2][e];
      if (reads_noisily) {
        conversion[q][e].add(term, mean, chains.squares[q / 2][q % 2][e]);
      } else {
        conversion[q][e].add(term, mean);
      }
    }
    has_noise = has_noise || is_noisy(term);
    if (term.is_held) continue;
    MQ_UNROLL
    for (std::uint32_t q = 0; q < 4; ++q) {
      finish_conversion(op, shape, term, quad(q), has_noise, conversion[q], total[q], clips);
      MQ_UNROLL
      for (std::uint32_t e = 0; e < 4; ++e) conversion[q][e] = {};
    }
    has_noise = false;
  }
  MQ_UNROLL
  for (std::uint32_t q = 0; q < 4; ++q) store_quad(op, shape, quad(q), total[q]);
  count_clips(op, clips);
}

}  // namespace

void float_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction) {
  const std::uint32_t groups = (shape.block + kOutputs - 1) / kOutputs;
  const std::size_t blocks_n = (std::size_t(shape.column_tiles) * 8 + kColumns - 1) / kColumns;
  const std::size_t blocks = std::size_t(shape.blocks) * groups * blocks_n;
  MQ_EXPECTS(blocks <= 0x7fffffffu);
  const auto launch = [&](auto kernel) {
    MQ_LAUNCH(kernel, static_cast<unsigned>(blocks), kThreads, exec, op, shape, groups,
              static_cast<std::uint32_t>(blocks_n));
  };
  if (direction == Direction::forward) {
    launch(float_mvm_kernel<Direction::forward>);
  } else {
    launch(float_mvm_kernel<Direction::transposed>);
  }
}

}  // namespace mq::MQ_BACKEND
