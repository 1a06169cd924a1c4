/// Grouped MVM of a layer's tiles on the CPU: packed panels, 16-bit multiply-add, noise and ADC in the same
/// pass.
///
/// Work is cut into (output panel, block of rows); the tiles that share outputs are summed inside one piece
/// of work, so threads never meet. Accumulators are expanded by fold expressions: g++ 12 keeps arrays of them
/// in memory.
#include <cstring>
#include <utility>

#include "meltquench/kernels/backend.h"
#include "meltquench/kernels/for_each.h"
#include "meltquench/kernels/mvm_epilogue.h"

namespace mq::MQ_BACKEND {
namespace {

using F = WideFloat;
using I = LaneTraits<F>::Int;
using U = LaneTraits<F>::UInt;
constexpr int kWidth = LaneTraits<F>::kWidth;
constexpr int kGroups = static_cast<int>(kPanel) / kWidth;  // vectors per panel
#if defined(__AVX2__)
constexpr int kRows = 6;  // 12 accumulators of 16 registers
#else
constexpr int kRows = 2;
#endif
constexpr std::int64_t kRowBlock = 10 * kRows;

/// Two 16-bit products per lane, added.
MQ_HD I multiply_add_pairs(I a, I b) {
#if defined(__AVX2__)
  return I(I::V(_mm256_madd_epi16(__m256i(a.v), __m256i(b.v))));
#elif defined(__SSE2__)
  return I(I::V(_mm_madd_epi16(__m128i(a.v), __m128i(b.v))));
#else
  I r;
  for (int i = 0; i < kWidth; ++i) {
    const std::int32_t low = std::int16_t(a.v[i]) * std::int16_t(b.v[i]);
    r.v[i] = low + (a.v[i] >> 16) * (b.v[i] >> 16);
  }
  return r;
#endif
}

MQ_HD I broadcast_pair(const std::int16_t* p) {
  std::int32_t pair;
  memcpy(&pair, p, sizeof(pair));
  return I(pair);
}

/// sums[row][16] = sum over `pairs` input pairs of one panel; N = rows * kGroups accumulators.
template <std::size_t... N>
MQ_HD void multiply_integers(const std::int16_t* x, std::size_t stride, const std::int16_t* panel,
                             std::size_t pairs, I* sums, std::index_sequence<N...>) {
  I acc[] = {(void(N), I(0))...};
  for (std::size_t k = 0; k < pairs; ++k) {
    const std::int16_t* w = panel + k * kPanel * 2;
    ((acc[N] = acc[N] +
               multiply_add_pairs(broadcast_pair(x + N / kGroups * stride + 2 * k),
                                  load<I>(reinterpret_cast<const std::int32_t*>(w) + N % kGroups * kWidth))),
     ...);
  }
  ((sums[N] = acc[N]), ...);
}

template <std::size_t... N>
MQ_HD void multiply_floats(const float* x, std::size_t stride, const float* panel, std::size_t inputs,
                           F* sums, std::index_sequence<N...>) {
  F acc[] = {(void(N), F(0.0f))...};
  for (std::size_t k = 0; k < inputs; ++k) {
    const float* w = panel + k * kPanel;
    ((acc[N] = fma(F(x[N / kGroups * stride + k]), load<F>(w + N % kGroups * kWidth), acc[N])), ...);
  }
  ((sums[N] = acc[N]), ...);
}
/// The variance product of float inputs: sum |g| x^2.
template <std::size_t... N>
MQ_HD void multiply_squares(const float* x, std::size_t stride, const float* panel, std::size_t inputs,
                            F* sums, std::index_sequence<N...>) {
  F acc[] = {(void(N), F(0.0f))...};
  for (std::size_t k = 0; k < inputs; ++k) {
    const float* w = panel + k * kPanel;
    ((acc[N] = fma(F(x[N / kGroups * stride + k] * x[N / kGroups * stride + k]),
                   abs(load<F>(w + N % kGroups * kWidth)), acc[N])),
     ...);
  }
  ((sums[N] = acc[N]), ...);
}

/// Integer sums as floats, rounded once; K is split where 32 bits could overflow.
template <int kR>
MQ_HD void integer_sums(const std::int16_t* x, std::size_t stride, const std::int16_t* panel,
                        std::size_t inputs, std::int64_t largest_product, F* sums) {
  constexpr auto kSequence = std::make_index_sequence<kR * kGroups>{};
  const std::size_t pairs = inputs / 2;
  const std::size_t safe = static_cast<std::size_t>(2147483647 / (2 * largest_product));
  I part[kR * kGroups];
  if (pairs <= safe) {
    multiply_integers(x, stride, panel, pairs, part, kSequence);
    for (int n = 0; n < kR * kGroups; ++n) sums[n] = to_float(part[n]);
    return;
  }
  std::int64_t total[kR * kGroups][kWidth] = {};
  for (std::size_t first = 0; first < pairs; first += safe) {
    const std::size_t count = pairs - first < safe ? pairs - first : safe;
    multiply_integers(x + 2 * first, stride, panel + first * kPanel * 2, count, part, kSequence);
    for (int n = 0; n < kR * kGroups; ++n) {
      for (int i = 0; i < kWidth; ++i) total[n][i] += part[n].v[i];
    }
  }
  for (int n = 0; n < kR * kGroups; ++n) {
    float lanes[kWidth];
    for (int i = 0; i < kWidth; ++i) lanes[i] = static_cast<float>(total[n][i]);
    sums[n] = load<F>(lanes);
  }
}

/// The normals of one panel, remembered for the pair of rows that shares them.
struct PanelNormals {
  RngKey key;
  std::uint32_t output;
  std::uint64_t pair = ~std::uint64_t(0);
  PhiloxBlock<U> blocks[8 / kWidth] = {};

  MQ_HD void draw(std::uint64_t row, F* z) {
    if (row >> 1 != pair) {
      pair = row >> 1;
      for (int h = 0; h < 8 / kWidth; ++h) {
        const U index = ascending_from<U>(output / 16 * 8 + static_cast<std::uint32_t>(h * kWidth));
        blocks[h] = philox(index, U(key.event), U(static_cast<std::uint32_t>(pair)), U(key.place), key.key);
      }
    }
    const int first = (row & 1) != 0 ? 2 : 0;
    for (int h = 0; h < 8 / kWidth; ++h) {
      box_muller<F>(blocks[h].w[first], blocks[h].w[first + 1], z[h], z[h + 8 / kWidth]);
    }
  }
};

/// One panel of outputs for a block of rows.
class PanelTask {
 public:
  PanelTask(const MvmLayer& op, std::size_t tile_row, std::size_t panel, const std::int16_t* squares)
      : op_(op), tile_row_(tile_row), panel_(panel), squares_(squares) {
    output_ = tile_row * op.tile_outputs + panel * kPanel;
    const TilePlane& tile = op.tiles[tile_row * op.grid_inputs()];
    const std::size_t left = tile.outputs - panel * kPanel;
    valid_ = static_cast<int>(left < kPanel ? left : kPanel);
    for (int g = 0; g < kGroups; ++g) {
      const I lane = as_signed(ascending_from<U>(static_cast<std::uint32_t>(g * kWidth)));
      counted_[g] = lane < I(valid_);
    }
  }

  std::int64_t run(std::int64_t first, std::int64_t end) {
    for (std::int64_t row = first; row < end;) {
      const std::int64_t left = end - row;
      row += left >= kRows ? rows<kRows>(row) : remainder(row, left);
    }
    std::int64_t clips = 0;
    for (int i = 0; i < kWidth; ++i) clips -= clips_.v[i];
    return clips;
  }

 private:
  std::int64_t remainder(std::int64_t row, std::int64_t left) {
    if constexpr (kRows == 2) return rows<1>(row);
    switch (left) {
      case 1:
        return rows<1>(row);
      case 2:
        return rows<2>(row);
      case 3:
        return rows<3>(row);
      case 4:
        return rows<4>(row);
      default:
        return rows<5>(row);
    }
  }

  template <int kR>
  std::int64_t rows(std::int64_t row) {
    double total[kR][kPanel] = {};
    const std::size_t grid_inputs = op_.grid_inputs();
    for (std::size_t c = 0; c < grid_inputs; ++c) add_tile<kR>(row, c, total);
    for (int r = 0; r < kR; ++r) {
      float* y = op_.y + static_cast<std::size_t>(row + r) * op_.outputs + output_;
      for (int o = 0; o < valid_; ++o) y[o] = static_cast<float>(total[r][o] * op_.y_lsb);
    }
    return kR;
  }

  template <int kR>
  void add_tile(std::int64_t row, std::size_t c, double (*total)[kPanel]) {
    constexpr auto kSequence = std::make_index_sequence<kR * kGroups>{};
    const TilePlane& tile = op_.tiles[tile_row_ * op_.grid_inputs() + c];
    const std::size_t inputs = padded_inputs(tile.inputs);
    const bool reads_noisily = tile.read_variance > 0.0f;
    F sums[kR * kGroups], squares[kR * kGroups] = {};
    if (op_.codes != nullptr) {
      const std::size_t offset =
          static_cast<std::size_t>(row) * op_.code_stride + c * padded_inputs(op_.tile_inputs);
      const std::size_t panel = panel_ * inputs * kPanel;
      integer_sums<kR>(op_.codes + offset, op_.code_stride, tile.codes + panel, inputs,
                       std::int64_t(op_.code_limit) * kWeightLimit, sums);
      if (reads_noisily) {
        integer_sums<kR>(squares_ + offset, op_.code_stride, tile.magnitudes + panel, inputs,
                         std::int64_t(32767) * kMagnitudeLimit, squares);
      }
    } else {
      const float* x = op_.x + static_cast<std::size_t>(row) * op_.inputs + c * op_.tile_inputs;
      const float* panel = tile.floats + panel_ * inputs * kPanel;
      multiply_floats(x, op_.inputs, panel, tile.inputs, sums, kSequence);
      if (reads_noisily) multiply_squares(x, op_.inputs, panel, tile.inputs, squares, kSequence);
    }
    const bool is_noisy = reads_noisily || tile.output_variance > 0.0f;
    RngKey key = op_.key;
    key.place = tile.tile << 16 | (key.place & 0xffffu);
    PanelNormals normals{.key = key, .output = static_cast<std::uint32_t>(panel_ * kPanel)};
    for (int r = 0; r < kR; ++r) {
      F z[kGroups];
      if (is_noisy) normals.draw(op_.first_row + static_cast<std::uint64_t>(row + r), z);
      alignas(64) float values[kPanel];
      for (int g = 0; g < kGroups; ++g) {
        F y = sums[r * kGroups + g] * F(static_cast<float>(tile.scale));
        if (is_noisy) {
          const F variance =
              reads_noisily ? fma(squares[r * kGroups + g], F(tile.read_variance), F(tile.output_variance))
                            : F(tile.output_variance);
          y = add_noise(y, variance, z[g]);
        }
        if (tile.adc_codes_per_unit > 0.0f) {
          LaneTraits<F>::Mask is_clipped;
          y = adc_code(y, tile.adc_codes_per_unit, tile.adc_limit, is_clipped);
          clips_ = clips_ + I(is_clipped.v & counted_[g].v);
        }
        store(values + g * kWidth, y);
      }
      for (std::size_t o = 0; o < kPanel; ++o)
        total[r][o] += static_cast<double>(values[o]) * tile.multiplier;
    }
  }

  const MvmLayer& op_;
  std::size_t tile_row_, panel_, output_;
  const std::int16_t* squares_;
  int valid_;
  LaneTraits<F>::Mask counted_[kGroups];
  I clips_ = I(0);
};

}  // namespace

void mvm(const Exec& exec, const MvmLayer& op) {
  const std::size_t grid_outputs = op.grid_outputs(),
                    panels_per_tile = padded_outputs(op.tile_outputs) / kPanel;
  // The squares of the codes feed the variance product; they are formed once per call.
  std::int16_t* squares = nullptr;
  bool reads_noisily = false;
  for (std::size_t t = 0; t < grid_outputs * op.grid_inputs(); ++t) {
    reads_noisily = reads_noisily || op.tiles[t].read_variance > 0.0f;
  }
  if (op.codes != nullptr && reads_noisily) {
    const std::size_t n = op.batch * op.code_stride;
    squares = new std::int16_t[n];
    const int shift = square_shift(op.code_limit);
    for (std::size_t i = 0; i < n; ++i) {
      squares[i] = static_cast<std::int16_t>((std::int32_t(op.codes[i]) * op.codes[i]) >> shift);
    }
  }
  const std::int64_t batch = static_cast<std::int64_t>(op.batch);
  const std::int64_t row_blocks = (batch + kRowBlock - 1) / kRowBlock;
  const std::int64_t tasks = row_blocks * static_cast<std::int64_t>(grid_outputs * panels_per_tile);
  std::int64_t clips = 0;
#pragma omp parallel for schedule(static) num_threads(exec.threads) reduction(+ : clips) if (exec.threads > 1)
  for (std::int64_t task = 0; task < tasks; ++task) {
    const std::int64_t block = task % row_blocks;
    const std::size_t output_panel = static_cast<std::size_t>(task / row_blocks);
    const std::size_t tile_row = output_panel / panels_per_tile, panel = output_panel % panels_per_tile;
    if (panel * kPanel >= op.tiles[tile_row * op.grid_inputs()].outputs) continue;
    const std::int64_t first = block * kRowBlock;
    const std::int64_t end = first + kRowBlock < batch ? first + kRowBlock : batch;
    clips += PanelTask(op, tile_row, panel, squares).run(first, end);
  }
  delete[] squares;
  op.counts->adc_clips += clips;
}

}  // namespace mq::MQ_BACKEND
