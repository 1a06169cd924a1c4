/// Grouped MVM of a layer's tiles on CUDA: integer products on tensor cores, noise and ADC in the same
/// kernel.
///
/// Weights lie in fragment order (panels.h). A large product first turns its codes into bytes in fragment
/// order as well (mvm_inputs.h); then every warp works alone on a rectangle of outputs and columns, without
/// shared memory, and walks the terms of its block. The operations behind the integer sums and their order
/// are those of kernels/cpu/mvm.cpp, hence the same bits.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/mvm_launch.h"
#include "meltquench/kernels/cuda/mvm_sums.h"
#include "meltquench/kernels/cuda/scratch.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr unsigned kThreads = 256, kWarps = kThreads / 32;

template <int kSlices>
__global__ void __launch_bounds__(kThreads)
    slice_inputs_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                        SlicedInputs to, std::uint32_t size, int shift) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= size) return;
  const std::uint32_t row = shape.row_of(i / 8 / to.words * 8 + i % 8), j = i / 8 % to.words * 4;
  TwoWords codes{};
  if (row < shape.batch && j < op.code_stride)
    codes = *reinterpret_cast<const TwoWords*>(op.codes + std::size_t(row) * op.code_stride + j);
  const FourCodes bytes = bytes_of(codes);
  if constexpr (kSlices == 1) {
    to.codes[i] = bytes.low;
  } else {
    reinterpret_cast<TwoWords*>(to.codes)[i] = {bytes.low, bytes.high};
  }
  if (to.squares != nullptr) {
    const FourCodes squares = bytes_of(squares_of_four(codes, shift));
    to.squares[i] = {squares.low, squares.high};
  }
}

/// What a large product is cut into: a warp makes kGroupsOfOutputs times 16 outputs x kColumnTiles times 8
/// columns, and kWarpsM of the warps of a block stand side by side in outputs, so that weights and inputs
/// meet in the first cache.
template <Direction kWay, int kGroupsOfOutputs, int kColumnTiles, int kWarpsM, int kSlicesOfCodes,
          bool kHasOneTerm>
struct Cut {
  static constexpr Direction kDirection = kWay;
  static constexpr int kM = kGroupsOfOutputs, kN = kColumnTiles, kSlices = kSlicesOfCodes;
  static constexpr std::uint32_t kSide = kWarpsM, kOtherSide = kWarps / kWarpsM;
  static constexpr bool kOneTerm = kHasOneTerm;  // per block: then no running total takes up registers

  static constexpr int kBlocks = kM * kN * kSlices > 2 ? 1 : 2;  // per multiprocessor

  static std::size_t groups(const MvmShape& shape) {
    return std::size_t(shape.blocks) * ((shape.block + kM * 16 - 1) / (kM * 16));
  }
  static std::size_t warps(const MvmShape& shape) {
    return groups(shape) * ((shape.column_tiles + kN - 1) / kN);
  }
};

/// sum += products of one term; the next step is loaded while this one is multiplied. `x`: this lane's words
/// of each column tile.
template <class C>
__device__ inline void sum_codes(const MvmTerm& term, const Weights<C::kDirection, C::kM>& weights,
                                 const SlicedInputs& inputs, const std::uint32_t (&tile)[C::kN],
                                 std::uint32_t steps, MeanSums<C::kSlices> (&sums)[C::kM][C::kN]) {
  const std::uint32_t* x[C::kN];
  MQ_UNROLL
  for (int n = 0; n < C::kN; ++n) x[n] = inputs.codes + inputs.at(tile[n], term) * C::kSlices;
  FourWords next_high[C::kM], next_low[C::kM];
  ByteFragment next_x[C::kN];
  const auto load = [&](std::uint32_t step) {
    weights.load_codes(term, step, next_high, next_low);
    MQ_UNROLL
    for (int n = 0; n < C::kN; ++n) next_x[n] = load_codes<C::kSlices>(x[n], step);
  };
  load(0);
  for (std::uint32_t step = 0; step < steps; ++step) {
    FourWords high[C::kM], low[C::kM];
    ByteFragment now[C::kN];
    MQ_UNROLL
    for (int m = 0; m < C::kM; ++m) high[m] = next_high[m], low[m] = next_low[m];
    MQ_UNROLL
    for (int n = 0; n < C::kN; ++n) now[n] = next_x[n];
    if (step + 1 < steps) load(step + 1);
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN; ++i) {
      sums[i / C::kN][i % C::kN].add(high[i / C::kN], low[i / C::kN], now[i % C::kN]);
    }
  }
}

/// Inputs are loaded ahead only where there are registers to spare.
template <class C>
__device__ inline void sum_squares(const MvmTerm& term, const Weights<C::kDirection, C::kM>& weights,
                                   const SlicedInputs& inputs, const std::uint32_t (&tile)[C::kN],
                                   std::uint32_t steps, SquareSums (&sums)[C::kM][C::kN]) {
  const TwoWords* x[C::kN];
  MQ_UNROLL
  for (int n = 0; n < C::kN; ++n) x[n] = inputs.squares + inputs.at(tile[n], term);
  FourWords next[C::kM];
  ByteFragment next_x[C::kN];
  const auto load = [&](std::uint32_t step) {
    weights.load_magnitudes(term, step, next);
    MQ_UNROLL
    for (int n = 0; C::kOneTerm && n < C::kN; ++n) next_x[n] = load_squares(x[n], step);
  };
  load(0);
  for (std::uint32_t step = 0; step < steps; ++step) {
    FourWords magnitudes[C::kM];
    ByteFragment now[C::kN];
    MQ_UNROLL
    for (int n = 0; n < C::kN; ++n) now[n] = C::kOneTerm ? next_x[n] : load_squares(x[n], step);
    MQ_UNROLL
    for (int m = 0; m < C::kM; ++m) magnitudes[m] = next[m];
    if (step + 1 < steps) load(step + 1);
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN; ++i) {
      sums[i / C::kN][i % C::kN].add(magnitudes[i / C::kN], now[i % C::kN]);
    }
  }
}

/// Adds one term to the conversions of a warp.
template <class C>
__device__ inline void add_term(const MvmTerm& term, std::uint32_t group, const SlicedInputs& inputs,
                                const std::uint32_t (&tile)[C::kN],
                                Conversion<float> (&conversion)[C::kM][C::kN][4]) {
  const Weights<C::kDirection, C::kM> weights(term, group);
  const auto steps = static_cast<std::uint32_t>(steps_of(inputs_of(term, C::kDirection)));
  {
    MeanSums<C::kSlices> sums[C::kM][C::kN];
    sum_codes<C>(term, weights, inputs, tile, steps, sums);
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN * 4; ++i) {
      const int m = i / 4 / C::kN, n = i / 4 % C::kN, e = i % 4;
      conversion[m][n][e].add_sum(term, static_cast<float>(sums[m][n].sum(e)));
    }
  }
  if (term.read_variance > 0.0f) {
    SquareSums sums[C::kM][C::kN];
    sum_squares<C>(term, weights, inputs, tile, steps, sums);
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN * 4; ++i) {
      const int m = i / 4 / C::kN, n = i / 4 % C::kN, e = i % 4;
      conversion[m][n][e].add_variance(term, static_cast<float>(sums[m][n].sum(e)));
    }
  } else {
    MQ_UNROLL
    for (int i = 0; i < C::kM * C::kN * 4; ++i) {
      conversion[i / 4 / C::kN][i / 4 % C::kN][i % 4].add_variance(term);
    }
  }
}

template <class C>
__global__ void __launch_bounds__(kThreads, C::kBlocks)
    mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
               const __grid_constant__ SlicedInputs inputs, std::uint32_t all_groups,
               std::uint32_t blocks_n) {
  constexpr int kM = C::kM, kN = C::kN;
  using W = Weights<C::kDirection, kM>;
  const std::uint32_t warp = threadIdx.x / 32;
  const std::uint32_t place = blockIdx.x / blocks_n * C::kSide + warp % C::kSide;
  const std::uint32_t first_tile = (blockIdx.x % blocks_n * C::kOtherSide + warp / C::kSide) * kN;
  const std::uint32_t groups = (shape.block + kM * 16 - 1) / (kM * 16);
  const std::uint32_t block = place / groups, group = place % groups;
  if (place >= all_groups || first_tile >= shape.column_tiles) return;
  const MvmTerm* terms = op.terms + std::size_t(block) * shape.terms;
  const std::uint32_t outputs = outputs_of(terms[0], C::kDirection);
  if (group * kM * 16 >= outputs) return;

  std::uint32_t tile[kN];  // beyond the last one again: these columns do not exist
  MQ_UNROLL
  for (std::uint32_t n = 0; n < kN; ++n) {
    tile[n] = first_tile + n < shape.column_tiles ? first_tile + n : shape.column_tiles - 1;
  }
  const auto quad = [&](std::uint32_t m, std::uint32_t n) {
    return Quad<W::kGap>{block, outputs, W::output(group, m), (first_tile + n) * 8 + threadIdx.x % 4 * 2};
  };
  double total[kM][kN][4] = {};
  Conversion<float> conversion[kM][kN][4];
  bool has_noise = false;
  std::int32_t clips = 0;
  for (std::uint32_t t = 0; t < (C::kOneTerm ? 1u : shape.terms); ++t) {
    const MvmTerm& term = terms[t];
    add_term<C>(term, group, inputs, tile, conversion);
    has_noise = has_noise || is_noisy(term);
    if (!C::kOneTerm && term.is_held) continue;
    MQ_UNROLL
    for (std::uint32_t i = 0; i < kM * kN; ++i) {
      const std::uint32_t m = i / kN, n = i % kN;
      finish_conversion(op, shape, term, quad(m, n), has_noise, conversion[m][n], total[m][n], clips);
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) conversion[m][n][e] = {};
    }
    has_noise = false;
  }
  MQ_UNROLL
  for (std::uint32_t i = 0; i < kM * kN; ++i)
    store_quad(op, shape, quad(i / kN, i % kN), total[i / kN][i % kN]);
  count_clips(op, clips);
}

template <class C>
void launch_large(const Exec& exec, const MvmLayer& op, const MvmShape& shape, const SlicedInputs& inputs) {
  const std::size_t groups = C::groups(shape), columns = C::kOtherSide * C::kN;
  const std::size_t blocks_m = (groups + C::kSide - 1) / C::kSide,
                    blocks_n = (shape.column_tiles + columns - 1) / columns;
  MQ_EXPECTS(blocks_m * blocks_n <= 0x7fffffffu);
  MQ_LAUNCH(mvm_kernel<C>, static_cast<unsigned>(blocks_m * blocks_n), kThreads, exec, op, shape, inputs,
            static_cast<std::uint32_t>(groups), static_cast<std::uint32_t>(blocks_n));
}

/// Enough warps for every scheduler of a large device; results do not depend on it.
constexpr std::size_t kManyWarps = 512;

constexpr Direction kForward = Direction::forward, kTransposed = Direction::transposed;
template <int kSlices>
using MiddleCut = Cut<kForward, 1, 2, 4, kSlices, false>;
template <int kSlices>
using TransposedCut = Cut<kTransposed, 2, 2, 2, kSlices, false>;

/// The largest cut that leaves enough warps: it reads least.
template <int kSlices>
void launch_largest(const Exec& exec, const MvmLayer& op, const MvmShape& shape, const SlicedInputs& inputs,
                    Direction direction) {
  using OneTerm = Cut<kForward, 2, 4, 2, 1, true>;
  using ManyTerms = Cut<kForward, 2, 3, 2, 1, false>;
  if (direction == kTransposed) {
    launch_large<TransposedCut<kSlices>>(exec, op, shape, inputs);
  } else if (kSlices == 2 || OneTerm::warps(shape) < kManyWarps) {
    launch_large<MiddleCut<kSlices>>(exec, op, shape, inputs);
  } else if (shape.terms == 1) {
    launch_large<OneTerm>(exec, op, shape, inputs);
  } else {
    launch_large<ManyTerms>(exec, op, shape, inputs);
  }
}

template <int kSlices>
void large_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction) {
  const std::uint32_t words = SlicedInputs::words_of(op);
  const std::size_t size = std::size_t(shape.column_tiles) * words * 8;
  MQ_EXPECTS(size <= 0x7fffffffu);
  const bool has_squares = op.squares != nullptr;
  const Scratch memory(exec, size * (kSlices * sizeof(std::uint32_t) + (has_squares ? sizeof(TwoWords) : 0)));
  auto* codes = static_cast<std::uint32_t*>(memory.data());
  const SlicedInputs inputs{
      codes, has_squares ? reinterpret_cast<TwoWords*>(codes + size * kSlices) : nullptr, words};
  MQ_LAUNCH(slice_inputs_kernel<kSlices>, static_cast<unsigned>((size + kThreads - 1) / kThreads), kThreads,
            exec, op, shape, inputs, static_cast<std::uint32_t>(size), square_shift(op.code_limit));
  launch_largest<kSlices>(exec, op, shape, inputs, direction);
}

template <int kSlices>
void integer_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction) {
  const std::size_t warps =
      direction == kForward ? MiddleCut<kSlices>::warps(shape) : TransposedCut<kSlices>::warps(shape);
  if (warps >= kManyWarps && op.code_stride <= kSafeSteps * kStep) {
    large_mvm<kSlices>(exec, op, shape, direction);
  } else {
    small_mvm(exec, op, shape, direction);
  }
}

void multiply(const Exec& exec, const MvmLayer& op, Direction direction) {
  if (op.batch == 0) return;
  const MvmShape shape(op);
  if (op.codes == nullptr) {
    float_mvm(exec, op, shape, direction);
  } else if (op.code_limit <= 127) {
    integer_mvm<1>(exec, op, shape, direction);
  } else {
    integer_mvm<2>(exec, op, shape, direction);
  }
}

}  // namespace

void mvm(const Exec& exec, const MvmLayer& op) { multiply(exec, op, kForward); }

void mvm_transposed(const Exec& exec, const MvmLayer& op) { multiply(exec, op, kTransposed); }

}  // namespace mq::MQ_BACKEND
