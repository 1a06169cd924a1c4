/// Small integer products: a block makes a group of outputs for 8 columns, and its warps share out terms and
/// inputs, so that even one row of inputs keeps many warps reading weights.
#include "meltquench/kernels/cuda/mvm_launch.h"
#include "meltquench/kernels/cuda/mvm_sums.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr unsigned kThreads = 256, kWarps = kThreads / 32;

/// The sums of one part of the inputs of a term, [element of the quad][lane].
struct PartSums {
  std::int64_t mean[4][32], squares[4][32];
};

/// The part of a term's inputs that starts at step `part`: every `parts`-th step.
template <Direction kDirection, int kM, int kSlices>
__device__ inline void sum_part(const MvmTerm& term, std::uint32_t group, const PlainInputs& inputs,
                                std::uint32_t part, std::uint32_t parts, PartSums* sums) {
  const Weights<kDirection, kM> weights(term, group);
  const auto steps = static_cast<std::uint32_t>(steps_of(inputs_of(term, kDirection)));
  const bool reads_noisily = term.read_variance > 0.0f;
  MeanSums<kSlices> means[kM];
  SquareSums squares[kM];
  for (std::uint32_t step = part; step < steps; step += parts) {
    FourWords high[kM], low[kM], magnitudes[kM] = {};
    weights.load_codes(term, step, high, low);
    if (reads_noisily) weights.load_magnitudes(term, step, magnitudes);
    ByteFragment x;
    ByteFragment x_squares;
    inputs.load(step, x, x_squares);
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) {
      means[m].add(high[m], low[m], x);
      if (reads_noisily) squares[m].add(magnitudes[m], x_squares);
    }
  }
  MQ_UNROLL
  for (int i = 0; i < kM * 4; ++i) {
    sums[i / 4].mean[i % 4][threadIdx.x % 32] = means[i / 4].sum(i % 4);
    sums[i / 4].squares[i % 4][threadIdx.x % 32] = squares[i / 4].sum(i % 4);
  }
}

/// `parts` warps (a power of two) share out the inputs of a term, and so many terms are in work at once as
/// there are such teams. The first kM warps finish what the teams bring, in the order of terms.
template <Direction kDirection, int kM, int kSlices>
__global__ void __launch_bounds__(kThreads)
    small_mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                     std::uint32_t parts, int shift) {
  __shared__ PartSums sums[kWarps][kM];
  const std::uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, team = warp / parts,
                      teams = kWarps / parts;
  const std::uint32_t groups = (shape.block + kM * 16 - 1) / (kM * 16);
  const std::uint32_t column_tile = blockIdx.x % shape.column_tiles,
                      group = blockIdx.x / shape.column_tiles % groups,
                      block = blockIdx.x / shape.column_tiles / groups;
  const MvmTerm* terms = op.terms + std::size_t(block) * shape.terms;
  const std::uint32_t outputs = outputs_of(terms[0], kDirection);
  if (group * kM * 16 >= outputs) return;  // the whole block

  using W = Weights<kDirection, kM>;
  const Quad<W::kGap> quad{block, outputs, W::output(group, warp % kM), column_tile * 8 + lane % 4 * 2};
  Conversion<float> conversion[4];
  bool has_noise = false;
  double total[4] = {};
  std::int32_t clips = 0;
  for (std::uint32_t first = 0; first < shape.terms; first += teams) {
    if (first + team < shape.terms) {
      const MvmTerm& term = terms[first + team];
      const PlainInputs inputs(op, shape, term, column_tile * 8 + lane / 4, shift);
      sum_part<kDirection, kM, kSlices>(term, group, inputs, warp % parts, parts, sums[warp]);
    }
    __syncthreads();
    for (std::uint32_t t = 0; warp < kM && t < teams && first + t < shape.terms; ++t) {
      const MvmTerm& term = terms[first + t];
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) {
        std::int64_t mean = 0, squares = 0;
        for (std::uint32_t p = t * parts; p < (t + 1) * parts; ++p) {
          mean += sums[p][warp].mean[e][lane];
          squares += sums[p][warp].squares[e][lane];
        }
        if (term.read_variance > 0.0f) {
          conversion[e].add(term, static_cast<float>(mean), static_cast<float>(squares));
        } else {
          conversion[e].add(term, static_cast<float>(mean));
        }
      }
      has_noise = has_noise || is_noisy(term);
      if (term.is_held) continue;
      finish_conversion(op, shape, term, quad, has_noise, conversion, total, clips);
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) conversion[e] = {};
      has_noise = false;
    }
    __syncthreads();
  }
  if (warp >= kM) return;
  store_quad(op, shape, quad, total);
  count_clips(op, clips);
}

template <Direction kDirection, int kM, int kSlices>
void launch(const Exec& exec, const MvmLayer& op, const MvmShape& shape) {
  const std::size_t groups = (shape.block + kM * 16 - 1) / (kM * 16);
  const std::size_t blocks = shape.blocks * groups * shape.column_tiles;
  MQ_EXPECTS(blocks <= 0x7fffffffu);
  // All warps at one term where sums may have to be split, or where there is nothing else to share out.
  const bool splits = op.code_stride > kSafeSteps * kStep;
  const std::uint32_t parts = splits || shape.terms < 2 ? 8 : shape.terms < 4 ? 4 : shape.terms < 8 ? 2 : 1;
  MQ_LAUNCH((small_mvm_kernel<kDirection, kM, kSlices>), static_cast<unsigned>(blocks), kThreads, exec, op,
            shape, parts, square_shift(op.code_limit));
}

template <int kSlices>
void launch(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction) {
  if (direction == Direction::forward) {
    launch<Direction::forward, 1, kSlices>(exec, op, shape);
  } else {
    launch<Direction::transposed, 2, kSlices>(exec, op, shape);
  }
}

}  // namespace

void small_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape, Direction direction) {
  if (op.code_limit <= 127) {
    launch<1>(exec, op, shape, direction);
  } else {
    launch<2>(exec, op, shape, direction);
  }
}

}  // namespace mq::MQ_BACKEND
