/// Grouped MVM of a layer's tiles on CUDA: integer products on tensor cores, noise and ADC in the same
/// kernel.
///
/// Weights lie in fragment order (panels.h). A large product first brings its inputs into fragment order as
/// well; then every warp works alone on a rectangle of outputs and columns, without shared memory, and walks
/// the tiles that share its outputs. A small product is one of many blocks, each with 16 outputs and 8
/// columns: its warps share out tiles and inputs. The operations behind the integer sums and their order are
/// those of kernels/cpu/mvm.cpp, hence the same bits.
#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/cuda/mvm_parts.h"
#include "meltquench/kernels/cuda/scratch.h"

namespace mq::MQ_BACKEND {
namespace {

constexpr unsigned kThreads = 256, kWarps = kThreads / 32;

/// Where bytes of inputs lie for large products: [column tile][tile column][step][32 lanes].
template <int kSlices>
struct SlicedInputs {
  TwoWords* low;        // codes, of one or two slices
  TwoWords* high;       // null with one slice
  FourWords* squares;   // low, high; null without read noise
  std::uint32_t steps;  // of the widest tile

  MQ_HD std::size_t at(const MvmShape& shape, std::uint32_t column_tile, std::uint32_t c) const {
    return (std::size_t(column_tile) * shape.grid_inputs + c) * steps * 32;
  }
};

template <int kSlices>
__global__ void __launch_bounds__(kThreads)
    slice_inputs_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                        SlicedInputs<kSlices> to, std::uint32_t size, int shift) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= size) return;
  const std::uint32_t lane = i % 32, step = i / 32 % to.steps, tile = i / 32 / to.steps;
  const std::uint32_t row = shape.row_of(tile / shape.grid_inputs * 8 + lane / 4),
                      c = tile % shape.grid_inputs;
  const auto readable = static_cast<std::uint32_t>(padded_inputs(op.tile_inputs));
  const bool exists = row < shape.batch;
  const std::int16_t* codes = op.codes + std::size_t(exists ? row : 0) * op.code_stride + c * readable;
  const InputFragment f = load_inputs(codes, step, lane, exists ? readable : 0, shift);
  to.low[i] = f.low;
  if constexpr (kSlices == 2) to.high[i] = f.high;
  if (to.squares != nullptr) {
    to.squares[i] = {f.low_squares.w[0], f.low_squares.w[1], f.high_squares.w[0], f.high_squares.w[1]};
  }
}

/// Weights of kM panels and inputs of kN column tiles, one step after the other; the next step is loaded
/// while this one is multiplied.
template <int kM, int kN, int kSlices>
__device__ inline void multiply_means(const FourWords* const (&w)[kM], const TwoWords* const (&x_low)[kN],
                                      const TwoWords* const (&x_high)[kN], std::uint32_t steps,
                                      MeanSums<kSlices> (&sums)[kM][kN]) {
  FourWords next_high[kM], next_low[kM];
  TwoWords next_x[kN], next_x_high[kN];
  const auto load = [&](std::uint32_t step) {
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) next_high[m] = w[m][step * 64], next_low[m] = w[m][step * 64 + 32];
    MQ_UNROLL
    for (int n = 0; n < kN; ++n) {
      next_x[n] = x_low[n][step * 32];
      if constexpr (kSlices == 2) next_x_high[n] = x_high[n][step * 32];
    }
  };
  load(0);
  for (std::uint32_t step = 0; step < steps; ++step) {
    FourWords high[kM], low[kM];
    TwoWords x[kN], xh[kN];
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) high[m] = next_high[m], low[m] = next_low[m];
    MQ_UNROLL
    for (int n = 0; n < kN; ++n) x[n] = next_x[n], xh[n] = kSlices == 2 ? next_x_high[n] : next_x[n];
    load(step + 1 < steps ? step + 1 : step);
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) {
      MQ_UNROLL
      for (int n = 0; n < kN; ++n) sums[m][n].add(high[m], low[m], x[n], xh[n]);
    }
  }
}

template <int kM, int kN>
__device__ inline void multiply_squares(const FourWords* const (&w)[kM], const FourWords* const (&x)[kN],
                                        std::uint32_t steps, SquareSums (&sums)[kM][kN]) {
  FourWords next_w[kM], next_x[kN];
  const auto load = [&](std::uint32_t step) {
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) next_w[m] = w[m][step * 32];
    MQ_UNROLL
    for (int n = 0; n < kN; ++n) next_x[n] = x[n][step * 32];
  };
  load(0);
  for (std::uint32_t step = 0; step < steps; ++step) {
    FourWords magnitudes[kM], squares[kN];
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) magnitudes[m] = next_w[m];
    MQ_UNROLL
    for (int n = 0; n < kN; ++n) squares[n] = next_x[n];
    load(step + 1 < steps ? step + 1 : step);
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) {
      MQ_UNROLL
      for (int n = 0; n < kN; ++n) {
        sums[m][n].add(magnitudes[m], {squares[n].w[0], squares[n].w[1]}, {squares[n].w[2], squares[n].w[3]});
      }
    }
  }
}

/// What a large product is cut into: a warp makes kPanels panels x kColumnTiles column tiles, and kWarpsM of
/// the warps of a block stand side by side in outputs, so that weights and inputs meet in the first cache.
template <int kPanels, int kColumnTiles, int kWarpsM, int kSlicesOfCodes, bool kHasOneTile>
struct Cut {
  static constexpr int kM = kPanels, kN = kColumnTiles, kSlices = kSlicesOfCodes;
  static constexpr std::uint32_t kSide = kWarpsM, kOtherSide = kWarps / kWarpsM;
  static constexpr bool kOneTile = kHasOneTile;  // per output: then no running total takes up registers

  static std::size_t groups(const MvmShape& shape, std::size_t grid_outputs) {
    return grid_outputs * ((shape.panels + kM - 1) / kM);
  }
  static std::size_t warps(const MvmShape& shape, std::size_t grid_outputs) {
    return groups(shape, grid_outputs) * ((shape.column_tiles + kN - 1) / kN);
  }
};

template <class C>
__global__ void __launch_bounds__(kThreads, 1)
    mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
               const __grid_constant__ SlicedInputs<C::kSlices> x, std::uint32_t groups,
               std::uint32_t blocks_n) {
  constexpr int kM = C::kM, kN = C::kN, kSlices = C::kSlices;
  const std::uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::uint32_t group = blockIdx.x / blocks_n * C::kSide + warp % C::kSide;
  const std::uint32_t first_tile = (blockIdx.x % blocks_n * C::kOtherSide + warp / C::kSide) * kN;
  const std::uint32_t groups_per_row = (shape.panels + kM - 1) / kM;
  const std::uint32_t tile_row = group / groups_per_row, first_panel = group % groups_per_row * kM;
  if (group >= groups || first_tile >= shape.column_tiles) return;
  const TilePlane* tiles = op.tiles + std::size_t(tile_row) * shape.grid_inputs;
  const std::uint32_t outputs = tiles[0].outputs, panels = (outputs + 15) / 16;
  if (first_panel >= panels) return;

  // Panels and columns beyond the edge repeat the last one and are dropped at the end.
  std::uint32_t panel[kM], column_tile[kN];
  MQ_UNROLL
  for (int m = 0; m < kM; ++m) panel[m] = first_panel + m < panels ? first_panel + m : panels - 1;
  MQ_UNROLL
  for (int n = 0; n < kN; ++n) {
    column_tile[n] = first_tile + n < shape.column_tiles ? first_tile + n : shape.column_tiles - 1;
  }
  const std::uint32_t o = lane / 4, column = lane % 4 * 2;
  double total[kM][kN][4] = {};
  std::int32_t clips = 0;
  for (std::uint32_t c = 0; c < (C::kOneTile ? 1u : shape.grid_inputs); ++c) {
    const TilePlane& tile = tiles[c];
    const auto steps = static_cast<std::uint32_t>(steps_of(tile.inputs));
    QuadSums quads[kM][kN];
    {
      const FourWords* w[kM];
      const TwoWords *low[kN], *high[kN];
      MQ_UNROLL
      for (int m = 0; m < kM; ++m) w[m] = code_fragments(tile, panel[m]) + lane;
      MQ_UNROLL
      for (int n = 0; n < kN; ++n) {
        low[n] = x.low + x.at(shape, column_tile[n], c) + lane;
        high[n] = kSlices == 2 ? x.high + x.at(shape, column_tile[n], c) + lane : nullptr;
      }
      MeanSums<kSlices> sums[kM][kN];
      multiply_means<kM, kN, kSlices>(w, low, high, steps, sums);
      MQ_UNROLL
      for (int i = 0; i < kM * kN * 4; ++i) {
        quads[i / 4 / kN][i / 4 % kN].mean[i % 4] =
            static_cast<float>(sums[i / 4 / kN][i / 4 % kN].sum(i % 4));
      }
    }
    if (tile.read_variance > 0.0f) {
      const FourWords *w[kM], *squares[kN];
      MQ_UNROLL
      for (int m = 0; m < kM; ++m) w[m] = magnitude_fragments(tile, panel[m]) + lane;
      MQ_UNROLL
      for (int n = 0; n < kN; ++n) squares[n] = x.squares + x.at(shape, column_tile[n], c) + lane;
      SquareSums sums[kM][kN];
      multiply_squares<kM, kN>(w, squares, steps, sums);
      MQ_UNROLL
      for (int i = 0; i < kM * kN * 4; ++i) {
        quads[i / 4 / kN][i / 4 % kN].squares[i % 4] =
            static_cast<float>(sums[i / 4 / kN][i / 4 % kN].sum(i % 4));
      }
    }
    MQ_UNROLL
    for (int m = 0; m < kM; ++m) {
      MQ_UNROLL
      for (int n = 0; n < kN; ++n) {
        const std::uint32_t first = (first_tile + n) * 8 + column, output = (first_panel + m) * 16 + o;
        float y[4];
        finish_quad(op, tile, quads[m][n], output, (op.first_row >> 1) + first / 2,
                    elements_of_quad(shape, outputs, output, first), y, clips);
        MQ_UNROLL
        for (int e = 0; e < 4; ++e) total[m][n][e] += static_cast<double>(y[e]) * tile.multiplier;
      }
    }
  }
  MQ_UNROLL
  for (int m = 0; m < kM; ++m) {
    MQ_UNROLL
    for (int n = 0; n < kN; ++n) {
      const std::uint32_t first = (first_tile + n) * 8 + column, output = (first_panel + m) * 16 + o;
      store_quad(op, shape, tile_row * shape.tile_outputs, output, first,
                 elements_of_quad(shape, outputs, output, first), total[m][n]);
    }
  }
  count_clips(op, clips);
}

/// A block makes 16 outputs x 8 columns. `parts` of its warps (a power of two) share out the inputs of a
/// tile, and so many tiles are in work at once as there are such teams.
template <int kSlices>
__global__ void __launch_bounds__(kThreads)
    small_mvm_kernel(const __grid_constant__ MvmLayer op, const __grid_constant__ MvmShape shape,
                     std::uint32_t parts, int shift) {
  struct PartSums {
    std::int64_t mean[4], squares[4];
  };
  __shared__ PartSums sums[kWarps][32];
  __shared__ double finished[kWarps][32][4];
  const std::uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const std::uint32_t team = warp / parts, part = warp % parts, teams = kWarps / parts;
  const std::uint32_t column_tile = blockIdx.x % shape.column_tiles,
                      tile_row = blockIdx.x / shape.column_tiles / shape.panels,
                      panel = blockIdx.x / shape.column_tiles % shape.panels;
  const TilePlane* tiles = op.tiles + std::size_t(tile_row) * shape.grid_inputs;
  const std::uint32_t outputs = tiles[0].outputs;
  if (panel * 16 >= outputs) return;  // the whole block

  const std::uint32_t my_row = shape.row_of(column_tile * 8 + lane / 4);
  const auto readable = static_cast<std::uint32_t>(padded_inputs(op.tile_inputs));
  const bool exists = my_row < shape.batch;
  const std::int16_t* row_codes = op.codes + std::size_t(exists ? my_row : 0) * op.code_stride;
  const std::uint32_t output = panel * 16 + lane / 4, column = column_tile * 8 + lane % 4 * 2;
  const unsigned elements = elements_of_quad(shape, outputs, output, column);
  double total[4] = {};
  std::int32_t clips = 0;
  for (std::uint32_t first = 0; first < shape.grid_inputs; first += teams) {
    const std::uint32_t c = first + team;
    if (c < shape.grid_inputs) {
      const TilePlane& tile = tiles[c];
      const auto steps = static_cast<std::uint32_t>(steps_of(tile.inputs));
      const bool reads_noisily = tile.read_variance > 0.0f;
      const FourWords* w = code_fragments(tile, panel) + lane;
      const FourWords* magnitudes = reads_noisily ? magnitude_fragments(tile, panel) + lane : nullptr;
      MeanSums<kSlices> means;
      SquareSums squares;
      for (std::uint32_t step = part; step < steps; step += parts) {
        const FourWords high = w[step * 64], low = w[step * 64 + 32];
        const InputFragment x =
            load_inputs(row_codes + c * readable, step, lane, exists ? readable : 0, shift);
        means.add(high, low, x.low, x.high);
        if (reads_noisily) squares.add(magnitudes[step * 32], x.low_squares, x.high_squares);
      }
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) {
        sums[warp][lane].mean[e] = means.sum(e);
        sums[warp][lane].squares[e] = squares.sum(e);
      }
    }
    __syncthreads();
    if (part == 0 && c < shape.grid_inputs) {
      QuadSums quad;
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) {
        std::int64_t mean = 0, squares = 0;
        for (std::uint32_t p = 0; p < parts; ++p) {
          mean += sums[warp + p][lane].mean[e];
          squares += sums[warp + p][lane].squares[e];
        }
        quad.mean[e] = static_cast<float>(mean);
        quad.squares[e] = static_cast<float>(squares);
      }
      float y[4];
      finish_quad(op, tiles[c], quad, output, (op.first_row >> 1) + column / 2, elements, y, clips);
      MQ_UNROLL
      for (int e = 0; e < 4; ++e) finished[team][lane][e] = static_cast<double>(y[e]) * tiles[c].multiplier;
    }
    __syncthreads();
    if (warp == 0) {
      for (std::uint32_t t = 0; t < teams && first + t < shape.grid_inputs; ++t) {
        MQ_UNROLL
        for (int e = 0; e < 4; ++e) total[e] += finished[t][lane][e];
      }
    }
  }
  if (warp == 0) {
    store_quad(op, shape, tile_row * shape.tile_outputs, output, column, elements, total);
  }
  count_clips(op, clips);
}

template <class C>
void launch_large(const Exec& exec, const MvmLayer& op, const MvmShape& shape,
                  const SlicedInputs<C::kSlices>& x) {
  const std::size_t groups = C::groups(shape, op.grid_outputs()), columns = C::kOtherSide * C::kN;
  const std::size_t blocks_m = (groups + C::kSide - 1) / C::kSide,
                    blocks_n = (shape.column_tiles + columns - 1) / columns;
  MQ_EXPECTS(blocks_m * blocks_n <= 0x7fffffffu);
  MQ_LAUNCH(mvm_kernel<C>, static_cast<unsigned>(blocks_m * blocks_n), kThreads, exec, op, shape, x,
            static_cast<std::uint32_t>(groups), static_cast<std::uint32_t>(blocks_n));
}

/// Enough warps for every scheduler of a large device; results do not depend on it.
constexpr std::size_t kManyWarps = 512;

template <int kSlices>
using SmallCut = Cut<1, 2, 4, kSlices, false>;

template <int kSlices>
void large_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape) {
  const std::size_t steps = steps_of(op.tile_inputs);
  const std::size_t size = std::size_t(shape.column_tiles) * shape.grid_inputs * steps * 32;
  MQ_EXPECTS(size <= 0xffffffffu);
  const Scratch memory(exec, size * ((kSlices + 2) * sizeof(TwoWords)));
  auto* squares = static_cast<FourWords*>(memory.data());
  auto* low = reinterpret_cast<TwoWords*>(squares + size);
  const SlicedInputs<kSlices> x{.low = low,
                                .high = kSlices == 2 ? low + size : nullptr,
                                .squares = squares,
                                .steps = static_cast<std::uint32_t>(steps)};
  MQ_LAUNCH(slice_inputs_kernel<kSlices>, static_cast<unsigned>((size + kThreads - 1) / kThreads), kThreads,
            exec, op, shape, x, static_cast<std::uint32_t>(size), square_shift(op.code_limit));
  if constexpr (kSlices == 1) {
    using OneTile = Cut<2, 4, 2, kSlices, true>;
    using ManyTiles = Cut<2, 3, 2, kSlices, false>;
    if (OneTile::warps(shape, op.grid_outputs()) >= kManyWarps) {
      if (shape.grid_inputs == 1) {
        launch_large<OneTile>(exec, op, shape, x);
      } else {
        launch_large<ManyTiles>(exec, op, shape, x);
      }
      return;
    }
  }
  launch_large<SmallCut<kSlices>>(exec, op, shape, x);
}

template <int kSlices>
void integer_mvm(const Exec& exec, const MvmLayer& op, const MvmShape& shape) {
  const bool sums_fit = steps_of(op.tile_inputs) <= kSafeSteps;  // else they are split among warps
  if (sums_fit && SmallCut<kSlices>::warps(shape, op.grid_outputs()) >= kManyWarps) {
    large_mvm<kSlices>(exec, op, shape);
    return;
  }
  const std::uint32_t tiles = shape.grid_inputs;
  const std::uint32_t parts = !sums_fit || tiles < 2 ? 8 : tiles < 4 ? 4 : tiles < 8 ? 2 : 1;
  const std::size_t blocks = op.grid_outputs() * shape.panels * shape.column_tiles;
  MQ_EXPECTS(blocks <= 0x7fffffffu);
  MQ_LAUNCH(small_mvm_kernel<kSlices>, static_cast<unsigned>(blocks), kThreads, exec, op, shape, parts,
            square_shift(op.code_limit));
}

}  // namespace

void mvm(const Exec& exec, const MvmLayer& op) {
  if (op.batch == 0) return;
  const MvmShape shape(op);
  if (op.codes == nullptr) {
    float_mvm(exec, op, shape);
  } else if (op.code_limit <= 127) {
    integer_mvm<1>(exec, op, shape);
  } else {
    integer_mvm<2>(exec, op, shape);
  }
}

}  // namespace mq::MQ_BACKEND
