/// The register tile of the CPU's MVM: sums of a few rows of inputs times a few panels of 16 outputs.
///
/// A tile is 12 rows x 2 panels of 16 lanes with AVX-512, 6 x 1 panel of 2 x 8 lanes with AVX2. Every output
/// is one chain of sums over ascending inputs, whatever the tile: the same bits in all. Accumulators are
/// expanded by fold expressions: g++ 12 keeps arrays of them in memory.
#pragma once

#include <cstring>
#include <utility>

#include "meltquench/core/lanes.h"
#include "meltquench/kernels/mvm.h"

namespace mq::MQ_BACKEND {
namespace {

#if defined(__AVX512F__)
using F = FloatLanes<16>;
constexpr int kTileRows = 12, kTilePanels = 2;  // 24 accumulators of 32 registers
#elif defined(__AVX2__)
using F = FloatLanes<8>;
constexpr int kTileRows = 6, kTilePanels = 1;  // 12 of 16
#else
using F = FloatLanes<4>;
constexpr int kTileRows = 2, kTilePanels = 1;
#endif
using I = LaneTraits<F>::Int;
using U = LaneTraits<F>::UInt;
constexpr int kWidth = LaneTraits<F>::kWidth;
constexpr int kGroups = static_cast<int>(kPanel) / kWidth;  // vectors per panel
/// A single row takes more panels at a time: independent chains hide the latency of each.
constexpr int kWidePanels = kTileRows > 2 ? 8 / kGroups : 2;
constexpr int kMostPanels = kWidePanels > kTilePanels ? kWidePanels : kTilePanels;
constexpr int kMostSums = kTileRows * kTilePanels * kGroups > kMostPanels* kGroups
                              ? kTileRows* kTilePanels* kGroups
                              : kMostPanels* kGroups;

/// sum + two 16-bit products per lane.
MQ_HD I add_products_of_pairs(I sum, I a, I b) {
#if defined(__AVX512VNNI__)
  return I(I::V(_mm512_dpwssd_epi32(__m512i(sum.v), __m512i(a.v), __m512i(b.v))));
#elif defined(__AVX512BW__)
  return sum + I(I::V(_mm512_madd_epi16(__m512i(a.v), __m512i(b.v))));
#elif defined(__AVX2__)
  return sum + I(I::V(_mm256_madd_epi16(__m256i(a.v), __m256i(b.v))));
#elif defined(__SSE2__)
  return sum + I(I::V(_mm_madd_epi16(__m128i(a.v), __m128i(b.v))));
#else
  I r;
  for (int i = 0; i < kWidth; ++i) {
    const std::int32_t low = std::int16_t(a.v[i]) * std::int16_t(b.v[i]);
    r.v[i] = low + (a.v[i] >> 16) * (b.v[i] >> 16);
  }
  return sum + r;
#endif
}

MQ_HD I broadcast_pair(const std::int16_t* p) {
  std::int32_t pair;
  std::memcpy(&pair, p, sizeof(pair));
  return I(pair);
}

/// Inputs and panels of one tile; strides in elements.
template <class T>
struct TileOperands {
  const T* x;
  std::size_t x_stride;  // from row to row
  const T* panel;
  std::size_t panel_stride;  // from panel to panel
  std::size_t depth;         // inputs; pairs of them for integers

  MQ_HD TileOperands(const T* x, std::size_t x_stride, const T* panel, std::size_t panel_stride,
                     std::size_t depth)
      : x(x), x_stride(x_stride), panel(panel), panel_stride(panel_stride), depth(depth) {}
};

/// Sum n belongs to row n / (kP kGroups), panel n / kGroups % kP, group n % kGroups.
struct Integers {
  using T = std::int16_t;
  using Sum = I;

  template <int kP, std::size_t... N>
  static void multiply(const TileOperands<T>& op, Sum* sums, std::index_sequence<N...>) {
    I acc[] = {(void(N), I(0))...};
    for (std::size_t k = 0; k < op.depth; ++k) {
      const std::int16_t* w = op.panel + k * kPanel * 2;
      ((acc[N] = add_products_of_pairs(
            acc[N], broadcast_pair(op.x + N / (kP * kGroups) * op.x_stride + 2 * k),
            load<I>(reinterpret_cast<const std::int32_t*>(w + N / kGroups % kP * op.panel_stride) +
                    N % kGroups * kWidth))),
       ...);
    }
    ((sums[N] = acc[N]), ...);
  }
};

struct Floats {
  using T = float;
  using Sum = F;

  template <int kP, std::size_t... N>
  static void multiply(const TileOperands<T>& op, Sum* sums, std::index_sequence<N...>) {
    F acc[] = {(void(N), F(0.0f))...};
    for (std::size_t k = 0; k < op.depth; ++k) {
      const float* w = op.panel + k * kPanel;
      ((acc[N] = fma(F(op.x[N / (kP * kGroups) * op.x_stride + k]),
                     load<F>(w + N / kGroups % kP * op.panel_stride + N % kGroups * kWidth), acc[N])),
       ...);
    }
    ((sums[N] = acc[N]), ...);
  }
};

/// The variance product of float inputs: sum |g| x^2.
struct FloatSquares {
  using T = float;
  using Sum = F;

  template <int kP, std::size_t... N>
  static void multiply(const TileOperands<T>& op, Sum* sums, std::index_sequence<N...>) {
    F acc[] = {(void(N), F(0.0f))...};
    for (std::size_t k = 0; k < op.depth; ++k) {
      const float* w = op.panel + k * kPanel;
      ((acc[N] =
            fma(F(op.x[N / (kP * kGroups) * op.x_stride + k] * op.x[N / (kP * kGroups) * op.x_stride + k]),
                abs(load<F>(w + N / kGroups % kP * op.panel_stride + N % kGroups * kWidth)), acc[N])),
       ...);
    }
    ((sums[N] = acc[N]), ...);
  }
};

/// Never inlined: among the variables of its caller g++ 12 runs out of registers and keeps sums in memory.
template <class Product, int kR, int kP>
[[gnu::noinline]] void multiply_tile(const TileOperands<typename Product::T>& op,
                                     typename Product::Sum* sums) {
  Product::template multiply<kP>(op, sums, std::make_index_sequence<kR * kP * kGroups>{});
}

/// Rows that one tile takes of the `left` ones.
inline int rows_of_tile(std::int64_t left) {
  if (left >= kTileRows) return kTileRows;
  return left >= 4 && kTileRows > 4 ? 4 : left >= 2 ? 2 : 1;
}

/// Panels that one pass takes of the `left` ones.
inline int panels_of_pass(std::size_t left, int most) {
  for (int panels = most; panels > 1; panels /= 2) {
    if (left >= static_cast<std::size_t>(panels)) return panels;
  }
  return 1;
}

/// `rows` from rows_of_tile, `panels` from panels_of_pass; more than kTilePanels only with one row.
template <class Product>
void multiply(int rows, int panels, const TileOperands<typename Product::T>& op,
              typename Product::Sum* sums) {
  static_assert(kWidePanels == 8 || kWidePanels == 4 || kWidePanels == 2);
  if constexpr (kWidePanels >= 8) {
    if (panels == 8) return multiply_tile<Product, 1, 8>(op, sums);
  }
  if constexpr (kWidePanels >= 4) {
    if (panels == 4) return multiply_tile<Product, 1, 4>(op, sums);
  }
  if constexpr (kTilePanels < 2) {
    if (panels == 2) return multiply_tile<Product, 1, 2>(op, sums);
  } else if (panels == 2) {
    if (rows == kTileRows) return multiply_tile<Product, kTileRows, 2>(op, sums);
    if (rows == 4) return multiply_tile<Product, 4, 2>(op, sums);
    if (rows == 2) return multiply_tile<Product, 2, 2>(op, sums);
    return multiply_tile<Product, 1, 2>(op, sums);
  }
  if (rows == kTileRows) return multiply_tile<Product, kTileRows, 1>(op, sums);
  if constexpr (kTileRows > 4) {
    if (rows == 4) return multiply_tile<Product, 4, 1>(op, sums);
    if (rows == 2) return multiply_tile<Product, 2, 1>(op, sums);
  }
  return multiply_tile<Product, 1, 1>(op, sums);
}

/// Integer sums as floats, rounded once; the inputs are split where 32 bits could overflow.
inline void multiply_to_floats(int rows, int panels, TileOperands<std::int16_t> op,
                               std::int64_t largest_product, F* sums) {
  const int count = rows * panels * kGroups;
  const std::size_t safe = static_cast<std::size_t>(2147483647 / (2 * largest_product));
  I part[kMostSums];
  if (op.depth <= safe) {
    multiply<Integers>(rows, panels, op, part);
    for (int n = 0; n < count; ++n) sums[n] = to_float(part[n]);
    return;
  }
  std::int64_t total[kMostSums * kWidth] = {};
  for (std::size_t left = op.depth; left > 0; left -= op.depth) {
    op.depth = left < safe ? left : safe;
    multiply<Integers>(rows, panels, op, part);
    for (int n = 0; n < count; ++n) {
      for (int i = 0; i < kWidth; ++i) total[n * kWidth + i] += part[n].v[i];
    }
    op.x += 2 * op.depth;
    op.panel += op.depth * kPanel * 2;
  }
  for (int n = 0; n < count; ++n) {
    float lanes[kWidth];
    for (int i = 0; i < kWidth; ++i) lanes[i] = static_cast<float>(total[n * kWidth + i]);
    sums[n] = load<F>(lanes);
  }
}

}  // namespace
}  // namespace mq::MQ_BACKEND
