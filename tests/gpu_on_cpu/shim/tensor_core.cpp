#include "tensor_core.h"

namespace on_cpu {
namespace {

struct Fragments {
  std::uint32_t a[4], b[2], d[4];
  bool a_is_signed, b_is_signed;
};

std::uint32_t byte_of(std::uint32_t word, unsigned i, bool is_signed) {
  const std::uint32_t byte = word >> 8 * i & 0xff;
  return is_signed && byte >= 128 ? byte - 256 : byte;
}

const char* combine_product(void* const lanes[kWarp], std::uint32_t mask) {
  if (mask != 0xffffffffu) return "all lanes must take part";
  std::uint32_t a[16][32], b[32][8];
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const Fragments& f = *static_cast<const Fragments*>(lanes[lane]);
    const unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      for (unsigned r = 0; r < 4; ++r)
        a[g + 8 * (r % 2)][16 * (r / 2) + 4 * t + i] = byte_of(f.a[r], i, f.a_is_signed);
      for (unsigned r = 0; r < 2; ++r) b[16 * r + 4 * t + i][g] = byte_of(f.b[r], i, f.b_is_signed);
    }
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    Fragments& f = *static_cast<Fragments*>(lanes[lane]);
    for (unsigned r = 0; r < 4; ++r) {
      const unsigned row = lane / 4 + 8 * (r / 2), column = 2 * (lane % 4) + r % 2;
      for (unsigned k = 0; k < 32; ++k) f.d[r] += a[row][k] * b[k][column];
    }
  }
  return nullptr;
}

constexpr WarpOperation kProduct{"mma.m16n8k32", combine_product, false};

}  // namespace

void mma_m16n8k32(std::int32_t (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2],
                  bool a_is_signed, bool b_is_signed, Where where) {
  Fragments mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {}, a_is_signed, b_is_signed};
  for (int r = 0; r < 4; ++r) mine.d[r] = static_cast<std::uint32_t>(d[r]);
  meet_warp(kProduct, 0xffffffffu, &mine, where);
  for (int r = 0; r < 4; ++r) d[r] = static_cast<std::int32_t>(mine.d[r]);
}

}  // namespace on_cpu
