/// The contract is kernels/float_product.h; this file is built once per instruction set.
///
/// One operand is broadcast, element by element, a few rows at a time; the other lies in packed panels of two
/// vectors: a register tile of 6 x 16 sums, or 12 x 32 with AVX-512. Which operand plays which part is a
/// matter of packing cost alone: c and its transpose have the same chains. Blocking after K. Goto and R. van
/// de Geijn, ACM TOMS 34, 12 (2008), doi:10.1145/1356052.1356053.
#include "meltquench/kernels/float_product.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

#include "meltquench/core/exec.h"
#include "meltquench/core/lanes.h"
#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/transpose_8x8.h"

namespace mq::MQ_BACKEND {
namespace {

#if defined(__AVX512F__)
/// Sixteen floats: used by this file alone, so core/lanes.h does without them.
struct F {
  typedef float V __attribute__((vector_size(64)));
  V v;

  F() = default;
  MQ_HD F(float s) : v(s - V{}) {}
  MQ_HD explicit F(V lanes) : v(lanes) {}
};
MQ_HD F fma(F a, F b, F c) { return F(F::V(_mm512_fmadd_ps(__m512(a.v), __m512(b.v), __m512(c.v)))); }
constexpr std::size_t kTileRows = 12;  // 24 sums, two vectors of the panel: 26 of 32 registers
#else
using F = FloatLanes<8>;
constexpr std::size_t kTileRows = 6;  // 12 sums, two vectors of the panel and a broadcast: 15 of 16 registers
#endif
constexpr std::size_t kWidth = sizeof(F) / sizeof(float), kTileColumns = 2 * kWidth;
constexpr std::size_t kDepthBlock = 256;   // a panel fills a third to two thirds of the first cache
constexpr std::size_t kRowBlock = 96;      // with kDepthBlock: 96 KiB of the second cache
constexpr std::size_t kColumnBlock = 512;  // with kDepthBlock: 512 KiB of packed panels

/// One operand, (index, k) at data[index * stride + k * k_stride].
struct Operand {
  const float* data;
  std::size_t stride, k_stride;

  const float* at(std::size_t index, std::size_t k) const { return data + index * stride + k * k_stride; }
};

/// c(row, column) at data[row * row_stride + column * column_stride]; one of the strides is 1.
struct Target {
  float* data;
  std::size_t row_stride, column_stride;

  float* at(std::size_t row, std::size_t column) const {
    return data + row * row_stride + column * column_stride;
  }
};

struct Range {
  std::size_t first, last;
};

/// Memory for packing; each thread keeps its own, because a fresh one would cost more than a small product.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::free(memory_); }

  bool reserve() {
    if (memory_ == nullptr) memory_ = static_cast<float*>(std::aligned_alloc(64, kSize * sizeof(float)));
    return memory_ != nullptr;
  }
  float* panels() { return memory_; }
  float* rows() { return memory_ + kDepthBlock * kColumnBlock; }

 private:
  static constexpr std::size_t kSize = kDepthBlock * (kColumnBlock + kRowBlock);
  float* memory_ = nullptr;
};

/// A function, so that each thread passes the declaration and with it the registration of the destructor.
Scratch& own_scratch() {
  thread_local Scratch scratch;
  return scratch;
}

inline std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }

/// One panel: [depth][kTileColumns], columns beyond `count` are 0.
void pack_panel(const Operand& b, std::size_t column, std::size_t count, std::size_t k, std::size_t depth,
                float* to) {
  if (count == kTileColumns && b.stride == 1) {
    for (std::size_t i = 0; i < depth; ++i)
      std::memcpy(to + i * kTileColumns, b.at(column, k + i), sizeof(F) * 2);
    return;
  }
  std::size_t done = 0;
  if (count == kTileColumns && b.k_stride == 1) {
    for (; done + 8 <= depth; done += 8) {
      for (std::size_t j = 0; j < kTileColumns; j += 8) {
        transpose_8x8(b.at(column + j, k + done), b.stride, to + done * kTileColumns + j, kTileColumns);
      }
    }
  }
  for (std::size_t i = done; i < depth; ++i) {
    for (std::size_t j = 0; j < kTileColumns; ++j) {
      to[i * kTileColumns + j] = j < count ? *b.at(column + j, k + i) : 0.0f;
    }
  }
}

/// Rows one after the other, [rows][depth].
void pack_rows(const Operand& a, Range rows, std::size_t k, std::size_t depth, float* to) {
  const std::size_t count = rows.last - rows.first;
  const bool has_blocks = a.stride == 1;
  const std::size_t block_rows = has_blocks ? count / 8 * 8 : 0, block_depth = has_blocks ? depth / 8 * 8 : 0;
  for (std::size_t r = 0; r < block_rows; r += 8) {
    for (std::size_t i = 0; i < block_depth; i += 8) {
      transpose_8x8(a.at(rows.first + r, k + i), a.k_stride, to + r * depth + i, depth);
    }
  }
  for (std::size_t r = 0; r < count; ++r) {
    const std::size_t done = r < block_rows ? block_depth : 0;
    for (std::size_t i = done; i < depth; ++i) to[r * depth + i] = *a.at(rows.first + r, k + i);
  }
}

/// The register tile; `kRows` names each sum on its own, since g++ 12 keeps an array that a loop indexes in
/// memory.
template <std::size_t... kRows>
MQ_HD void multiply_tile(std::index_sequence<kRows...>, const Operand& a, const float* panel,
                         std::size_t depth, bool adds, F (&low)[kTileRows], F (&high)[kTileRows]) {
  F l[kTileRows], h[kTileRows];
  ((l[kRows] = adds ? low[kRows] : F(0.0f), h[kRows] = adds ? high[kRows] : F(0.0f)), ...);
  const float* row[kTileRows] = {(kRows < sizeof...(kRows) ? a.data + kRows * a.stride : nullptr)...};
  for (std::size_t k = 0; k < depth; ++k) {
    const F w0 = load<F>(panel + k * kTileColumns), w1 = load<F>(panel + k * kTileColumns + kWidth);
    (([&] {
       const F x(row[kRows][k]);
       l[kRows] = fma(x, w0, l[kRows]);
       h[kRows] = fma(x, w1, h[kRows]);
     }()),
     ...);
  }
  ((low[kRows] = l[kRows], high[kRows] = h[kRows]), ...);
}

/// c[kCount rows, count columns] (+)= rows of a times one panel.
template <std::size_t kCount>
void compute_tile(const Operand& a, const float* panel, std::size_t depth, bool adds, const Target& c,
                  std::size_t count) {
  F low[kTileRows], high[kTileRows];
  alignas(64) float edge[kCount * kTileColumns];
  const bool is_direct = count == kTileColumns && c.column_stride == 1;
  if (adds && is_direct) {
    MQ_UNROLL
    for (std::size_t r = 0; r < kCount; ++r) {
      low[r] = load<F>(c.at(r, 0));
      high[r] = load<F>(c.at(r, kWidth));
    }
  } else if (adds) {
    for (std::size_t r = 0; r < kCount; ++r) {
      for (std::size_t j = 0; j < kTileColumns; ++j)
        edge[r * kTileColumns + j] = j < count ? *c.at(r, j) : 0.0f;
    }
    MQ_UNROLL
    for (std::size_t r = 0; r < kCount; ++r) {
      low[r] = load<F>(edge + r * kTileColumns);
      high[r] = load<F>(edge + r * kTileColumns + kWidth);
    }
  }
  multiply_tile(std::make_index_sequence<kCount>(), a, panel, depth, adds, low, high);
  float* to = is_direct ? c.data : edge;
  const std::size_t stride = is_direct ? c.row_stride : kTileColumns;
  MQ_UNROLL
  for (std::size_t r = 0; r < kCount; ++r) {
    store(to + r * stride, low[r]);
    store(to + r * stride + kWidth, high[r]);
  }
  if (is_direct) return;
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t r = 0; r < kCount; ++r) *c.at(r, j) = edge[r * kTileColumns + j];
  }
}

using ComputeTile = void (*)(const Operand&, const float*, std::size_t, bool, const Target&, std::size_t);

template <std::size_t... kLess>
constexpr ComputeTile tile_of(std::size_t rows, std::index_sequence<kLess...>) {
  constexpr ComputeTile kTiles[] = {compute_tile<kLess + 1>...};
  return kTiles[rows - 1];
}

/// The rectangle rows x columns of c; a is broadcast, b is packed.
void compute_rectangle(const Operand& a, const Operand& b, const Target& c, Range rows, Range columns,
                       std::size_t depth, bool adds, Scratch& scratch) {
  for (std::size_t column = columns.first; column < columns.last; column += kColumnBlock) {
    const std::size_t column_end = smaller(column + kColumnBlock, columns.last);
    for (std::size_t k = 0; k < depth; k += kDepthBlock) {
      const std::size_t block = smaller(kDepthBlock, depth - k);
      const bool continues = adds || k > 0;
      for (std::size_t j = column; j < column_end; j += kTileColumns) {
        pack_panel(b, j, smaller(kTileColumns, column_end - j), k, block,
                   scratch.panels() + (j - column) * block);
      }
      for (std::size_t row = rows.first; row < rows.last; row += kRowBlock) {
        const std::size_t row_end = smaller(row + kRowBlock, rows.last);
        Operand part{a.at(row, k), a.stride, 1};
        if (a.k_stride != 1) {
          pack_rows(a, {row, row_end}, k, block, scratch.rows());
          part = {scratch.rows(), block, 1};
        }
        for (std::size_t j = column; j < column_end; j += kTileColumns) {
          for (std::size_t i = row; i < row_end; i += kTileRows) {
            const auto compute =
                tile_of(smaller(kTileRows, row_end - i), std::make_index_sequence<kTileRows>());
            compute({part.at(i - row, 0), part.stride, 1}, scratch.panels() + (j - column) * block, block,
                    continues, {c.at(i, j), c.row_stride, c.column_stride},
                    smaller(kTileColumns, column_end - j));
          }
        }
      }
    }
  }
}

/// Part `index` of `parts` of [0, size), cut at multiples of `unit`.
Range part_of(std::size_t size, std::size_t unit, std::size_t index, std::size_t parts) {
  const std::size_t units = (size + unit - 1) / unit;
  return {smaller(units * index / parts * unit, size), smaller(units * (index + 1) / parts * unit, size)};
}

}  // namespace

void float_product(const Exec& exec, const FloatProduct& op) {
  if (op.rows == 0 || op.columns == 0) return;
  if (op.depth == 0) {
    for (std::size_t i = 0; i < op.rows && !op.adds; ++i)
      std::memset(op.c + i * op.c_row, 0, op.columns * sizeof(float));
    return;
  }
  Operand a{op.a, op.a_row, op.a_column}, b{op.b, op.b_column, op.b_row};
  Target c{op.c, op.c_row, 1};
  std::size_t rows = op.rows, columns = op.columns;
  // The panels are always packed, the rows only if their k is not contiguous.
  const std::size_t cost = columns + (a.k_stride == 1 ? 0 : rows),
                    swapped = rows + (b.k_stride == 1 ? 0 : columns);
  if (swapped < cost) {
    const Operand other = a;
    a = b;
    b = other;
    c = {op.c, 1, op.c_row};
    rows = op.columns;
    columns = op.rows;
  }

  const int threads = exec.threads;
  if (threads <= 1) {
    Scratch& scratch = own_scratch();
    if (!scratch.reserve()) throw std::bad_alloc();
    compute_rectangle(a, b, c, {0, rows}, {0, columns}, op.depth, op.adds, scratch);
    return;
  }
  parallel_for(threads, threads, [&](std::int64_t part) {
    const bool cuts_rows = rows >= columns;
    const auto index = static_cast<std::size_t>(part), parts = static_cast<std::size_t>(threads);
    Scratch& scratch = own_scratch();
    if (!scratch.reserve()) throw std::bad_alloc();
    compute_rectangle(a, b, c, cuts_rows ? part_of(rows, kTileRows, index, parts) : Range{0, rows},
                      cuts_rows ? Range{0, columns} : part_of(columns, kTileColumns, index, parts), op.depth,
                      op.adds, scratch);
  });
}

}  // namespace mq::MQ_BACKEND
