/// Products of 8-bit input codes by AMX, the matrix unit of some processors: 16 x 16 sums of 64 byte products
/// in one instruction. Exact integers, so the sums are those of the register tile.
///
/// A code c of 16 bits is two bytes, and so is a weight w = 256 h + l. With |c| <= 127 the lower byte of c is
/// c itself; weights whose bytes are (h, 0) and (l, 0) then give the sums of h c and of l c from the same
/// rows of inputs, and from panels that are laid out as they are. Squares are two bytes without a sign, which
/// meet magnitudes as (m, 0) and as (0, m).
#pragma once

#include <algorithm>

#include "meltquench/kernels/cpu/mvm_tile.h"

namespace mq::MQ_BACKEND {
namespace {

/// The two panels of bytes that a panel of 16-bit numbers becomes: 256 `upper` + `lower`.
struct BytePanels {
  const std::int16_t *upper, *lower;
};

/// (h, 0) and (l, 0) of `count` weights.
inline BytePanels split_weights(const std::int16_t* codes, std::size_t count, std::int16_t* to) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = static_cast<std::uint16_t>(codes[i]);
    to[i] = static_cast<std::int16_t>(bits >> 8);
    to[count + i] = static_cast<std::int16_t>(bits & 0xff);
  }
  return {to, to + count};
}
/// (0, m) of magnitudes, which are (m, 0).
inline BytePanels shift_magnitudes(const std::int16_t* magnitudes, std::size_t count, std::int16_t* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<std::int16_t>(magnitudes[i] << 8);
  return {to, magnitudes};
}

#if defined(__AMX_INT8__)

constexpr int kAmxRows = 32;                 // two tiles of 16
constexpr std::int32_t kAmxCodeLimit = 127;  // what one signed byte holds
constexpr std::size_t kAmxPairs = 16;        // pairs of inputs per step
/// Pairs of inputs that are summed at a time: no sum of 512 products of 7 and of 15 bits leaves 32 bits.
constexpr std::size_t kAmxMostPairs = 256;

/// Which bytes have signs: those of inputs, and those of panels.
enum class Signs { both, inputs, none };

/// What a tile register holds: the operand of LDTILECFG.
struct alignas(64) TileShapes {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};

/// g++ 12 does not say that these instructions read memory: what was stored before must be there by then.
[[gnu::always_inline]] inline void finish_stores(const void* p) { asm volatile("" : : "r"(p) : "memory"); }

/// Registers: sums of (rows, panel) 0 to 3, inputs of two times 16 rows 4 and 5, panels 6 and 7.
inline void shape_tiles(int rows, std::size_t pairs) {
  TileShapes shapes;
  const int in_second = std::max(rows - 16, 1), in_first = std::min(rows, 16);
  for (int tile = 0; tile < 8; ++tile) {
    const bool is_second = tile == 2 || tile == 3 || tile == 5;
    shapes.rows[tile] = static_cast<std::uint8_t>(tile >= 6 ? int(pairs) : is_second ? in_second : in_first);
    shapes.row_bytes[tile] = tile == 4 || tile == 5 ? static_cast<std::uint16_t>(4 * pairs) : 64;
  }
  finish_stores(&shapes);
  _tile_loadconfig(&shapes);
}

/// Registers are parts of the names of instructions, hence macros in place of parameters.
#define MQ_ADD_PRODUCTS(to, a, b)          \
  do {                                     \
    if constexpr (kSigns == Signs::both) { \
      _tile_dpbssd(to, a, b);              \
    } else if (kSigns == Signs::inputs) {  \
      _tile_dpbsud(to, a, b);              \
    } else {                               \
      _tile_dpbuud(to, a, b);              \
    }                                      \
  } while (false)
#define MQ_MOVE_SUMS(move, sums)                                                         \
  do {                                                                                   \
    constexpr int kRowBytes = 2 * kPanel * sizeof(std::int32_t);                         \
    move(0, sums, kRowBytes);                                                            \
    if constexpr (kPanels == 2) move(1, (sums) + kPanel, kRowBytes);                     \
    if constexpr (kRowTiles == 2) {                                                      \
      move(2, (sums) + 16 * 2 * kPanel, kRowBytes);                                      \
      if constexpr (kPanels == 2) move(3, (sums) + 16 * 2 * kPanel + kPanel, kRowBytes); \
    }                                                                                    \
  } while (false)

/// sums[32][2][16] from rows of inputs and from panels of which each pair of inputs takes 64 bytes.
template <Signs kSigns, int kRowTiles, int kPanels>
class AmxTile {
 public:
  static void multiply(int rows, const TileOperands<std::int16_t>& op, std::int32_t* sums) {
    const std::size_t steps = op.depth / kAmxPairs, rest = op.depth % kAmxPairs;
    shape_tiles(rows, steps > 0 ? kAmxPairs : rest);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (std::size_t step = 0; step < std::max(steps, std::size_t(1)); ++step) add_step(op, step);
    MQ_MOVE_SUMS(_tile_stored, sums);
    if (steps > 0 && rest > 0) {
      shape_tiles(rows, rest);
      MQ_MOVE_SUMS(_tile_loadd, sums);
      add_step(op, steps);
      MQ_MOVE_SUMS(_tile_stored, sums);
    }
  }

 private:
  static void add_step(const TileOperands<std::int16_t>& op, std::size_t step) {
    const std::int16_t* x = op.x + step * kAmxPairs * 2;
    const std::int16_t* w = op.panel + step * kAmxPairs * kPanel * 2;
    const std::size_t x_bytes = op.x_stride * sizeof(*x);
    _tile_loadd(6, w, 64);
    _tile_loadd(4, x, x_bytes);
    MQ_ADD_PRODUCTS(0, 4, 6);
    if constexpr (kPanels == 2) {
      _tile_loadd(7, w + op.panel_stride, 64);
      MQ_ADD_PRODUCTS(1, 4, 7);
    }
    if constexpr (kRowTiles == 2) {
      _tile_loadd(5, x + 16 * op.x_stride, x_bytes);
      MQ_ADD_PRODUCTS(2, 5, 6);
      if constexpr (kPanels == 2) MQ_ADD_PRODUCTS(3, 5, 7);
    }
  }
};
#undef MQ_ADD_PRODUCTS
#undef MQ_MOVE_SUMS

template <Signs kSigns>
void multiply_by_amx(int rows, int panels, const TileOperands<std::int16_t>& op, std::int32_t* sums) {
  if (rows > 16) {
    panels == 2 ? AmxTile<kSigns, 2, 2>::multiply(rows, op, sums)
                : AmxTile<kSigns, 2, 1>::multiply(rows, op, sums);
  } else {
    panels == 2 ? AmxTile<kSigns, 1, 2>::multiply(rows, op, sums)
                : AmxTile<kSigns, 1, 1>::multiply(rows, op, sums);
  }
}

/// Sums of up to 32 rows, two panels apart, as floats that are rounded once.
template <Signs kUpper, Signs kLower>
void amx_to_floats(int rows, int panels, TileOperands<std::int16_t> op, const BytePanels& bytes, F* sums) {
  alignas(64) std::int32_t upper[kAmxRows * 2 * kPanel], lower[kAmxRows * 2 * kPanel];
  typedef std::int64_t Wide __attribute__((vector_size(128)));
  typedef std::int32_t Narrow __attribute__((vector_size(64)));
  Wide total[kAmxRows * 2];
  const bool is_deep = op.depth > kAmxMostPairs;
  const std::size_t depth = op.depth;
  for (std::size_t first = 0; first < depth; first += op.depth) {
    op.depth = std::min(depth - first, kAmxMostPairs);
    op.panel = bytes.upper + first * kPanel * 2;
    multiply_by_amx<kUpper>(rows, panels, op, upper);
    op.panel = bytes.lower + first * kPanel * 2;
    multiply_by_amx<kLower>(rows, panels, op, lower);
    op.x += 2 * op.depth;
    for (int r = 0; r < rows; ++r) {
      for (int p = 0; p < panels; ++p) {
        const int n = r * panels + p, at = (r * 2 + p) * static_cast<int>(kPanel);
        const I part = (load<I>(upper + at) << 8) + load<I>(lower + at);
        if (!is_deep) {
          sums[n] = to_float(part);
          continue;
        }
        const Wide wide = __builtin_convertvector(Narrow(part.v), Wide);
        total[n] = first == 0 ? wide : total[n] + wide;
        sums[n] = F(__builtin_convertvector(total[n], F::V));
      }
    }
  }
}

/// Whether a product goes to the matrix unit: not that of a few rows, which waits for the panels.
inline bool takes_bytes(const MvmLayer& op) {
  return op.codes != nullptr && op.code_limit <= kAmxCodeLimit && op.batch >= 8;
}
constexpr int kMostSumsOfRows = kMostSums > kAmxRows * 2 ? kMostSums : kAmxRows * 2;
inline int rows_at_a_time(const MvmLayer& op, std::int64_t left) {
  if (!takes_bytes(op)) return rows_of_tile(left);
  return static_cast<int>(std::min(left, std::int64_t(kAmxRows)));
}
inline void multiply_codes_by_bytes(int rows, int panels, const TileOperands<std::int16_t>& op,
                                    const BytePanels& bytes, F* sums) {
  amx_to_floats<Signs::both, Signs::inputs>(rows, panels, op, bytes, sums);
}
inline void multiply_squares_by_bytes(int rows, int panels, const TileOperands<std::int16_t>& op,
                                      const BytePanels& bytes, F* sums) {
  amx_to_floats<Signs::none, Signs::none>(rows, panels, op, bytes, sums);
}
/// Gives the registers of tiles back, which switching threads then need not save.
inline void release_bytes() { _tile_release(); }

#else
constexpr bool takes_bytes(const MvmLayer&) { return false; }
constexpr int kMostSumsOfRows = kMostSums;
inline int rows_at_a_time(const MvmLayer&, std::int64_t left) { return rows_of_tile(left); }
inline void multiply_codes_by_bytes(int, int, const TileOperands<std::int16_t>&, const BytePanels&, F*) {}
inline void multiply_squares_by_bytes(int, int, const TileOperands<std::int16_t>&, const BytePanels&, F*) {}
inline void release_bytes() {}
#endif

}  // namespace
}  // namespace mq::MQ_BACKEND
