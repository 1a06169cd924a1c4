/// The contract is kernels/float_product.h: every element is one chain, so the depth is never split; what can
/// be shared is the loading.
///
/// A block makes a square of c, 16 steps of the chains at a time: the operands of the next 16 are on their
/// way to registers while those in shared memory are multiplied, and two stages take turns, so that one
/// barrier is enough. A thread holds a square of chains, in groups of four neighbours.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/mma.h"
#include "meltquench/kernels/float_product.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr std::uint32_t kDepth = 16;

struct alignas(16) FourFloats {
  float v[4];
};

/// One operand, (index, k) at data[index * stride + k * k_stride]; `size` indices.
struct Operand {
  const float* data;
  std::size_t stride, k_stride, size;
};

template <std::uint32_t kTile>
struct alignas(16) Stage {
  float v[kDepth][kTile + 4];  // the gap halves the conflicts of operands that are read along k
};

/// What one thread loads of an operand's kTile indices x kDepth: neighbours read neighbours, whichever way
/// the operand lies.
template <std::uint32_t kTile, std::uint32_t kThreads>
struct Piece {
  static constexpr std::uint32_t kCount = kTile * kDepth / kThreads;
  float v[kCount];

  __device__ static void place(std::uint32_t n, bool is_along_k, std::uint32_t& index, std::uint32_t& k) {
    const std::uint32_t i = threadIdx.x + n * kThreads;
    index = is_along_k ? i / kDepth : i % kTile;
    k = is_along_k ? i % kDepth : i / kTile;
  }
  __device__ void load(const Operand& from, std::size_t first_index, std::size_t first_k, std::size_t depth) {
    MQ_UNROLL
    for (std::uint32_t n = 0; n < kCount; ++n) {
      std::uint32_t index, k;
      place(n, from.k_stride == 1, index, k);
      const bool exists = first_index + index < from.size && first_k + k < depth;
      v[n] = exists ? from.data[(first_index + index) * from.stride + (first_k + k) * from.k_stride] : 0.0f;
    }
  }
  __device__ void store(const Operand& from, Stage<kTile>& stage) const {
    MQ_UNROLL
    for (std::uint32_t n = 0; n < kCount; ++n) {
      std::uint32_t index, k;
      place(n, from.k_stride == 1, index, k);
      stage.v[k][index] = v[n];
    }
  }
};

/// kSub x kSub chains of a thread: neighbours in groups of four that lie kTile / (kSub / 4) apart.
template <std::uint32_t kTile, std::uint32_t kSub>
struct Chains {
  static constexpr std::uint32_t kGroups = kSub / 4, kGap = kTile / kGroups;
  float v[kSub][kSub];

  __device__ static std::uint32_t place(std::uint32_t thread, std::uint32_t i) {
    return thread * 4 + i / 4 * kGap + i % 4;
  }
  __device__ static void read(const float* row, std::uint32_t thread, float (&x)[kSub]) {
    MQ_UNROLL
    for (std::uint32_t i = 0; i < kSub; i += 4) {
      const FourFloats four = *reinterpret_cast<const FourFloats*>(row + place(thread, i));
      MQ_UNROLL
      for (std::uint32_t l = 0; l < 4; ++l) x[i + l] = four.v[l];
    }
  }
  __device__ void add(const Stage<kTile>& a, const Stage<kTile>& b, std::uint32_t k, std::uint32_t row,
                      std::uint32_t column) {
    float x[kSub], y[kSub];
    read(a.v[k], row, x);
    read(b.v[k], column, y);
    MQ_UNROLL
    for (std::uint32_t i = 0; i < kSub; ++i) {
      MQ_UNROLL
      for (std::uint32_t j = 0; j < kSub; ++j) v[i][j] = fma(x[i], y[j], v[i][j]);
    }
  }
};

template <std::uint32_t kTile, std::uint32_t kSub>
constexpr unsigned threads_of() {
  return (kTile / kSub) * (kTile / kSub);
}

template <std::uint32_t kTile, std::uint32_t kSub>
__global__ void __launch_bounds__(threads_of<kTile, kSub>(), 512 / threads_of<kTile, kSub>())
    float_product_kernel(const __grid_constant__ FloatProduct op, std::uint32_t blocks_per_row) {
  constexpr std::uint32_t kThreads = threads_of<kTile, kSub>(), kSide = kTile / kSub;
  __shared__ Stage<kTile> stages[2][2];  // [turn][a, b]
  const Operand a{op.a, op.a_row, op.a_column, op.rows}, b{op.b, op.b_column, op.b_row, op.columns};
  const std::size_t first_row = std::size_t(blockIdx.x / blocks_per_row) * kTile,
                    first_column = std::size_t(blockIdx.x % blocks_per_row) * kTile;
  const std::uint32_t row = threadIdx.x / kSide, column = threadIdx.x % kSide;
  using MyChains = Chains<kTile, kSub>;
  MyChains chains;
  MQ_UNROLL
  for (std::uint32_t i = 0; i < kSub; ++i) {
    MQ_UNROLL
    for (std::uint32_t j = 0; j < kSub; ++j) {
      const std::size_t r = first_row + MyChains::place(row, i),
                        c = first_column + MyChains::place(column, j);
      chains.v[i][j] = op.adds && r < op.rows && c < op.columns ? op.c[r * op.c_row + c] : 0.0f;
    }
  }
  Piece<kTile, kThreads> next_a, next_b;
  next_a.load(a, first_row, 0, op.depth);
  next_b.load(b, first_column, 0, op.depth);
  std::uint32_t turn = 0;
  for (std::size_t k = 0; k < op.depth; k += kDepth, turn ^= 1) {
    next_a.store(a, stages[turn][0]);
    next_b.store(b, stages[turn][1]);
    __syncthreads();
    next_a.load(a, first_row, k + kDepth, op.depth);
    next_b.load(b, first_column, k + kDepth, op.depth);
    if (op.depth - k >= kDepth) {
      MQ_UNROLL
      for (std::uint32_t i = 0; i < kDepth; ++i) chains.add(stages[turn][0], stages[turn][1], i, row, column);
    } else {  // not beyond the last step: even adding 0 * 0 could turn -0 into 0
      const auto left = static_cast<std::uint32_t>(op.depth - k);
      for (std::uint32_t i = 0; i < left; ++i) chains.add(stages[turn][0], stages[turn][1], i, row, column);
    }
  }
  MQ_UNROLL
  for (std::uint32_t i = 0; i < kSub; ++i) {
    MQ_UNROLL
    for (std::uint32_t j = 0; j < kSub; ++j) {
      const std::size_t r = first_row + MyChains::place(row, i),
                        c = first_column + MyChains::place(column, j);
      if (r < op.rows && c < op.columns) op.c[r * op.c_row + c] = chains.v[i][j];
    }
  }
}

template <std::uint32_t kTile>
std::size_t blocks_of(const FloatProduct& op) {
  return ((op.rows + kTile - 1) / kTile) * ((op.columns + kTile - 1) / kTile);
}

template <std::uint32_t kTile, std::uint32_t kSub>
void launch(const Exec& exec, const FloatProduct& op) {
  const std::size_t blocks = blocks_of<kTile>(op), per_row = (op.columns + kTile - 1) / kTile;
  MQ_EXPECTS(blocks <= 0x7fffffffu);
  MQ_LAUNCH((float_product_kernel<kTile, kSub>), static_cast<unsigned>(blocks), (threads_of<kTile, kSub>()),
            exec, op, static_cast<std::uint32_t>(per_row));
}

}  // namespace

void float_product(const Exec& exec, const FloatProduct& op) {
  if (op.rows == 0 || op.columns == 0) return;
  // Large squares load least; small ones keep a large device busy with a small product.
  constexpr std::size_t kManyBlocks = 128;
  if (blocks_of<128>(op) >= kManyBlocks) {
    launch<128, 8>(exec, op);
  } else if (blocks_of<64>(op) >= kManyBlocks) {
    launch<64, 4>(exec, op);
  } else {
    launch<32, 4>(exec, op);
  }
}

}  // namespace mq::MQ_BACKEND
