/// Grouped MVM of a layer's tiles on CUDA: integer products on tensor cores, noise and ADC in the same
/// kernel.
///
/// Weights lie in fragment order (panels.h). A large product first turns its codes into bytes in an order
/// that warps read without conflicts (mvm_inputs.h); then every warp works alone on a rectangle of outputs
/// and columns and walks the terms of its block: sums in registers, all else in shared memory. The operations
/// behind the integer sums and their order are those of kernels/cpu/mvm.cpp, hence the same bits.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/mvm_launch.h"
#include "meltquench/kernels/cuda/mvm_warp.h"
#include "meltquench/kernels/cuda/scratch.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr unsigned kThreads = 256;

/// A thread turns four codes of a column of each of four tiles into bytes.
template <int kSlices>
__global__ void __launch_bounds__(kThreads)
    slice_inputs_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                        SlicedInputs to, std::uint32_t threads, int shift) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= threads) return;
  const std::uint32_t part = i / 32, lane = i % 32, parts = to.words / 4,
                      j = (part % parts * 4 + lane % 4) * 4;
  FourWords codes[2], squares[2];
  MQ_UNROLL
  for (std::uint32_t n = 0; n < 4; ++n) {
    const std::uint32_t row = shape.row_of(part / parts * 32 + n * 8 + lane / 4);
    TwoWords four{};
    if (row < shape.batch && j < op.code_stride)
      four = *reinterpret_cast<const TwoWords*>(op.codes + std::size_t(row) * op.code_stride + j);
    const FourCodes bytes = bytes_of(four), square_bytes = bytes_of(squares_of_four(four, shift));
    codes[0].w[n] = bytes.low, codes[1].w[n] = bytes.high;
    squares[0].w[n] = square_bytes.low, squares[1].w[n] = square_bytes.high;
  }
  MQ_UNROLL
  for (std::uint32_t plane = 0; plane < 2; ++plane) {
    if (plane < kSlices)
      reinterpret_cast<FourWords*>(to.codes)[(part * kSlices + plane) * 32 + lane] = codes[plane];
    if (to.squares != nullptr)
      reinterpret_cast<FourWords*>(to.squares)[(part * 2 + plane) * 32 + lane] = squares[plane];
  }
}

/// What a large product is cut into: a warp makes kGroupsOfOutputs times 16 outputs x kColumnTiles times 8
/// columns. kWarpsM x kWarpsN warps of a block stand side by side, so that weights and inputs meet in the
/// first cache.
template <Direction kWay, int kGroupsOfOutputs, int kColumnTiles, int kWarpsM, int kWarpsN,
          int kSlicesOfCodes, bool kHasOneTerm, int kBlocksPerMultiprocessor>
struct Cut {
  static constexpr Direction kDirection = kWay;
  static constexpr int kM = kGroupsOfOutputs, kN = kColumnTiles, kSlices = kSlicesOfCodes;
  static constexpr std::uint32_t kSide = kWarpsM, kOtherSide = kWarpsN,
                                 kBlockThreads = kWarpsM * kWarpsN * 32;
  static constexpr bool kOneTerm = kHasOneTerm;  // per block: then there is no running total
  static constexpr int kBlocks = kBlocksPerMultiprocessor;
  /// Then loads run ahead and quads are finished side by side: registers instead of warps hide latencies.
  static constexpr bool kFewWarps = kM * kN <= 2;

  static std::size_t groups(const MvmShape& shape) {
    return std::size_t(shape.blocks) * ((shape.block + kM * 16 - 1) / (kM * 16));
  }
  static std::size_t warps(const MvmShape& shape) {
    return groups(shape) * ((shape.column_tiles + kN - 1) / kN);
  }
};

template <class C>
__global__ void __launch_bounds__(C::kBlockThreads, C::kBlocks)
    mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
               const __grid_constant__ SlicedInputs inputs, std::uint32_t all_groups,
               std::uint32_t blocks_n) {
  constexpr int kM = C::kM, kN = C::kN;
  using W = Weights<C::kDirection, kM>;
  __shared__ WarpResults<C> of_warps[C::kBlockThreads / 32];
  const std::uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const std::uint32_t place = blockIdx.x / blocks_n * C::kSide + warp % C::kSide;
  const std::uint32_t first_tile = (blockIdx.x % blocks_n * C::kOtherSide + warp / C::kSide) * kN;
  const std::uint32_t groups = (shape.block + kM * 16 - 1) / (kM * 16);
  const std::uint32_t block = place / groups, group = place % groups;
  if (place >= all_groups || first_tile >= shape.column_tiles) return;
  const MvmTerm* terms = op.terms + std::size_t(block) * shape.terms;
  const std::uint32_t outputs = outputs_of(terms[0], C::kDirection);
  if (group * kM * 16 >= outputs) return;

  WarpResults<C>& results = of_warps[warp];
  results.clear_totals(lane);
  bool has_noise = false, begins = true;
  std::int32_t clips = 0;
  const std::uint32_t count = C::kOneTerm ? 1 : shape.terms;
  for (std::uint32_t t = 0; t < count; ++t) {
    const MvmTerm& term = terms[t];
    add_term<C>(term, group, inputs, first_tile, lane, begins, results);
    has_noise = has_noise || is_noisy(term);
    begins = !term.is_held;
    if (!C::kOneTerm && term.is_held) continue;
    const auto finish = [&](std::uint32_t i) {
      const Quad<W::kGap> quad{block, outputs, W::output(group, i / kN),
                               (first_tile + i % kN) * 8 + lane % 4 * 2};
      Conversion<float> conversion[4];
      double total[4] = {};
      MQ_UNROLL
      for (std::uint32_t e = 0; e < 4; ++e) {
        conversion[e] = results.conversion(static_cast<int>(i * 4 + e), lane);
        if (!C::kOneTerm) total[e] = results.total[i * 4 + e][lane];
      }
      finish_conversion(op, shape, term, quad, has_noise, conversion, total, clips);
      if (t + 1 == count) {
        store_quad(op, shape, quad, total);
        return;
      }
      MQ_UNROLL
      for (std::uint32_t e = 0; !C::kOneTerm && e < 4; ++e) results.total[i * 4 + e][lane] = total[e];
    };
    if constexpr (C::kFewWarps) {
      MQ_UNROLL
      for (std::uint32_t i = 0; i < kM * kN; ++i) finish(i);
    } else {
      MQ_NO_UNROLL
      for (std::uint32_t i = 0; i < kM * kN; ++i) finish(i);
    }
    has_noise = false;
  }
  count_clips(op, clips);
}

template <class C>
void launch_large(const Exec& exec, const MvmLayer& op, const MvmShape& shape, const SlicedInputs& inputs) {
  const std::size_t groups = C::groups(shape), columns = C::kOtherSide * C::kN;
  const std::size_t blocks_m = (groups + C::kSide - 1) / C::kSide,
                    blocks_n = (shape.column_tiles + columns - 1) / columns;
  MQ_EXPECTS(blocks_m * blocks_n <= 0x7fffffffu);
  MQ_LAUNCH(mvm_kernel<C>, static_cast<unsigned>(blocks_m * blocks_n), C::kBlockThreads, exec, op, shape,
            inputs, static_cast<std::uint32_t>(groups), static_cast<std::uint32_t>(blocks_n));
}

/// Enough warps for every scheduler of a large device, and enough to hide the time that loads take; results
/// do not depend on it.
constexpr std::size_t kManyWarps = 512, kManyLargeWarps = 1024;

constexpr Direction kForward = Direction::forward, kTransposed = Direction::transposed;
template <int kSlices>
using MiddleCut = Cut<kForward, 1, 2, 2, 2, kSlices, false, 4>;
template <int kSlices>
using TransposedCut = Cut<kTransposed, 2, 2, 2, 3, kSlices, false, kSlices == 1 ? 3 : 2>;

/// The largest cut that leaves enough warps: it reads least.
template <int kSlices>
void launch_largest(const Exec& exec, const MvmLayer& op, const MvmShape& shape, const SlicedInputs& inputs,
                    Direction direction) {
  using OneTerm = Cut<kForward, 1, 4, 4, 2, kSlices, true, kSlices == 1 ? 3 : 2>;
  using ManyTerms = Cut<kForward, 1, 4, 3, 2, kSlices, false, kSlices == 1 ? 4 : 2>;
  if (direction == kTransposed) {
    launch_large<TransposedCut<kSlices>>(exec, op, shape, inputs);
  } else if (OneTerm::warps(shape) < kManyLargeWarps) {
    launch_large<MiddleCut<kSlices>>(exec, op, shape, inputs);
  } else if (shape.terms == 1) {
    launch_large<OneTerm>(exec, op, shape, inputs);
  } else {
    launch_large<ManyTerms>(exec, op, shape, inputs);
  }
}

template <int kSlices>
void large_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction) {
  const std::size_t size = SlicedInputs::size_of(op, shape);
  MQ_EXPECTS(size <= 0x3fffffffu);
  const std::size_t planes = kSlices + (op.squares != nullptr ? 2 : 0);
  const Scratch memory(exec, size * planes * sizeof(std::uint32_t));
  auto* codes = static_cast<std::uint32_t*>(memory.data());
  const SlicedInputs inputs{codes, op.squares != nullptr ? codes + size * kSlices : nullptr,
                            SlicedInputs::words_of(op)};
  const auto threads = static_cast<std::uint32_t>(size / 4);
  MQ_LAUNCH(slice_inputs_kernel<kSlices>, (threads + kThreads - 1) / kThreads, kThreads, exec, op, shape,
            inputs, threads, square_shift(op.code_limit));
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
