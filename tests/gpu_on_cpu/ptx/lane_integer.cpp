#include "lane_loops.h"

namespace ptx::PTX_ISA {
namespace {

using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S8 = std::int8_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;
__extension__ using U128 = unsigned __int128;
__extension__ using S128 = __int128;

template <class T>
struct Traits;
template <>
struct Traits<U16> {
  using Unsigned = U16;
  using Wide = U32;
};
template <>
struct Traits<S16> {
  using Unsigned = U16;
  using Wide = S32;
};
template <>
struct Traits<U32> {
  using Unsigned = U32;
  using Wide = U64;
};
template <>
struct Traits<S32> {
  using Unsigned = U32;
  using Wide = S64;
};
template <>
struct Traits<U64> {
  using Unsigned = U64;
  using Wide = U128;
};
template <>
struct Traits<S64> {
  using Unsigned = U64;
  using Wide = S128;
};
template <class T>
using Unsigned = typename Traits<T>::Unsigned;
template <class T>
using Wide = typename Traits<T>::Wide;

template <class T>
inline constexpr int kBits = static_cast<int>(sizeof(T)) * 8;
template <class T>
inline constexpr bool kIsSigned = T(-1) < T(0);

template <class T>
PTX_INLINE T low_product(T a, T b) {
  return static_cast<T>(static_cast<U64>(static_cast<Unsigned<T>>(a)) * static_cast<Unsigned<T>>(b));
}
template <class T>
PTX_INLINE T high_product(T a, T b) {
  return static_cast<T>(static_cast<Wide<T>>(a) * static_cast<Wide<T>>(b) >> kBits<T>);
}
template <class T>
PTX_INLINE T sum(T a, T b) {
  return static_cast<T>(static_cast<U64>(a) + static_cast<U64>(b));
}
template <class T>
PTX_INLINE T difference(T a, T b) {
  return static_cast<T>(static_cast<U64>(a) - static_cast<U64>(b));
}
/// What the machine gives for division by zero, and for the one quotient that overflows.
template <class T>
PTX_INLINE T quotient(T a, T b) {
  if (b == 0) return static_cast<T>(-1);
  if constexpr (kIsSigned<T>) {
    if (b == T(-1)) return difference(T(0), a);
  }
  return static_cast<T>(a / b);
}
template <class T>
PTX_INLINE T remainder(T a, T b) {
  if (b == 0) return a;
  if constexpr (kIsSigned<T>) {
    if (b == T(-1)) return 0;
  }
  return static_cast<T>(a % b);
}
template <class T>
PTX_INLINE T shifted_left(T a, U32 n) {
  return n >= kBits<T> ? T(0) : static_cast<T>(static_cast<U64>(a) << (n & 63));
}
template <class T>
PTX_INLINE T shifted_right(T a, U32 n) {
  const U32 last = kBits<T> - 1;
  if constexpr (kIsSigned<T>) {
    return static_cast<T>(a >> (n > last ? last : n));
  } else {
    return n > last ? T(0) : static_cast<T>(a >> n);
  }
}
/// Bits [position, position + length), and above them zeros, or the sign: bit `position + length - 1`, at
/// most the last one.
template <class T>
PTX_INLINE T bit_field(T a, U32 position, U32 length) {
  position &= 255;
  length &= 255;
  const U32 last = kBits<T> - 1;
  U64 sign = 0;
  if (kIsSigned<T> && length != 0) {
    const U32 at = position + length - 1 > last ? last : position + length - 1;
    sign = static_cast<U64>(static_cast<Unsigned<T>>(a)) >> at & 1;
  }
  const U64 field = position > last ? 0 : static_cast<U64>(static_cast<Unsigned<T>>(a)) >> position;
  const U32 taken = position > last ? 0 : (length > last + 1 - position ? last + 1 - position : length);
  const U64 mask = taken >= 64 ? ~U64(0) : (U64(1) << taken) - 1;
  return static_cast<T>((field & mask) | (sign != 0 ? ~mask : 0));
}
template <class T>
PTX_INLINE T with_bit_field(T a, T b, U32 position, U32 length) {
  position &= 255;
  length &= 255;
  if (position >= kBits<T>) return b;
  const U64 field = length >= 64 ? ~U64(0) : (U64(1) << length) - 1;
  const U64 mask = field << position;
  return static_cast<T>((static_cast<U64>(b) & ~mask) | ((static_cast<U64>(a) << position) & mask));
}
/// Of the highest bit that is 1 (that differs from the sign), or 0xffffffff.
template <class T>
PTX_INLINE U32 highest_bit(T a) {
  U64 u = static_cast<Unsigned<T>>(a);
  if (kIsSigned<T> && a < 0) u = static_cast<Unsigned<T>>(~a);
  return u == 0 ? 0xffffffffu : 63u - static_cast<U32>(__builtin_clzll(u));
}
template <class T>
PTX_INLINE T reversed(T a) {
  T r = 0;
  for (int i = 0; i < kBits<T>; ++i) r = static_cast<T>(r << 1 | (a >> i & 1));
  return r;
}
PTX_INLINE U32 picked_bytes(U32 a, U32 b, U32 selector) {
  const U64 bytes = U64(b) << 32 | a;
  U32 r = 0;
  for (int i = 0; i < 4; ++i) {
    const U32 s = selector >> (4 * i);
    U32 byte = static_cast<U32>(bytes >> (8 * (s & 7))) & 255u;
    if ((s & 8) != 0) byte = (byte & 128u) != 0 ? 255u : 0u;
    r |= byte << (8 * i);
  }
  return r;
}
template <class A, class B>
PTX_INLINE U32 dot4(U32 a, U32 b, U32 c) {
  for (int i = 0; i < 4; ++i) {
    const S32 product =
        static_cast<S32>(static_cast<A>(a >> (8 * i))) * static_cast<S32>(static_cast<B>(b >> (8 * i)));
    c += static_cast<U32>(product);
  }
  return c;
}
template <class A, class B, int first>
PTX_INLINE U32 dot2(U32 a, U32 b, U32 c) {
  for (int i = 0; i < 2; ++i) {
    c += static_cast<U32>(static_cast<A>(a >> (16 * i))) *
         static_cast<U32>(static_cast<B>(b >> (8 * (first + i))));
  }
  return c;
}

template <class T>
void add_arithmetic(LaneOpSink& sink, const char* type) {
  add_binary<T, T, T>(sink, "add", type, [](T a, T b) { return sum(a, b); });
  add_binary<T, T, T>(sink, "sub", type, [](T a, T b) { return difference(a, b); });
  add_binary<T, T, T>(sink, "mul.lo", type, [](T a, T b) { return low_product(a, b); });
  add_binary<T, T, T>(sink, "mul.hi", type, [](T a, T b) { return high_product(a, b); });
  add_ternary<T, T, T, T>(sink, "mad.lo", type, [](T a, T b, T c) { return sum(low_product(a, b), c); });
  add_ternary<T, T, T, T>(sink, "mad.hi", type, [](T a, T b, T c) { return sum(high_product(a, b), c); });
  add_binary<T, T, T>(sink, "div", type, [](T a, T b) { return quotient(a, b); });
  add_binary<T, T, T>(sink, "rem", type, [](T a, T b) { return remainder(a, b); });
  add_binary<T, T, T>(sink, "min", type, [](T a, T b) { return a < b ? a : b; });
  add_binary<T, T, T>(sink, "max", type, [](T a, T b) { return a < b ? b : a; });
  add_binary<T, T, U32>(sink, "shr", type, [](T a, U32 n) { return shifted_right(a, n); });
  if constexpr (kIsSigned<T>) {
    add_unary<T, T>(sink, "neg", type, [](T a) { return difference(T(0), a); });
    add_unary<T, T>(sink, "abs", type, [](T a) { return a < 0 ? difference(T(0), a) : a; });
  }
  if constexpr (sizeof(T) < 8) {
    using W = Wide<T>;
    add_binary<W, T, T>(sink, "mul.wide", type,
                        [](T a, T b) { return static_cast<W>(static_cast<W>(a) * b); });
    add_ternary<W, T, T, W>(sink, "mad.wide", type,
                            [](T a, T b, W c) { return sum(static_cast<W>(static_cast<W>(a) * b), c); });
  }
  if constexpr (sizeof(T) >= 4) {
    add_ternary<T, T, U32, U32>(sink, "bfe", type, [](T a, U32 p, U32 n) { return bit_field(a, p, n); });
    add_unary<U32, T>(sink, "bfind", type, [](T a) { return highest_bit(a); });
    add_unary<U32, T>(sink, "bfind.shiftamt", type, [](T a) {
      const U32 bit = highest_bit(a);
      return bit == 0xffffffffu ? bit : U32(kBits<T> - 1) - bit;
    });
  }
  add_compare<T>(sink, "setp.eq", type, [](T a, T b) { return a == b; });
  add_compare<T>(sink, "setp.ne", type, [](T a, T b) { return a != b; });
  add_compare<T>(sink, "setp.lt", type, [](T a, T b) { return a < b; });
  add_compare<T>(sink, "setp.le", type, [](T a, T b) { return a <= b; });
  add_compare<T>(sink, "setp.gt", type, [](T a, T b) { return a > b; });
  add_compare<T>(sink, "setp.ge", type, [](T a, T b) { return a >= b; });
  if constexpr (!kIsSigned<T>) {
    add_compare<T>(sink, "setp.lo", type, [](T a, T b) { return a < b; });
    add_compare<T>(sink, "setp.ls", type, [](T a, T b) { return a <= b; });
    add_compare<T>(sink, "setp.hi", type, [](T a, T b) { return a > b; });
    add_compare<T>(sink, "setp.hs", type, [](T a, T b) { return a >= b; });
  }
}

template <class T>
void add_bits(LaneOpSink& sink, const char* type) {
  add_binary<T, T, T>(sink, "and", type, [](T a, T b) { return static_cast<T>(a & b); });
  add_binary<T, T, T>(sink, "or", type, [](T a, T b) { return static_cast<T>(a | b); });
  add_binary<T, T, T>(sink, "xor", type, [](T a, T b) { return static_cast<T>(a ^ b); });
  add_unary<T, T>(sink, "not", type, [](T a) { return static_cast<T>(~a); });
  add_unary<T, T>(sink, "cnot", type, [](T a) { return static_cast<T>(a == 0); });
  add_binary<T, T, U32>(sink, "shl", type, [](T a, U32 n) { return shifted_left(a, n); });
  add_binary<T, T, U32>(sink, "shr", type, [](T a, U32 n) { return shifted_right(a, n); });
  add_compare<T>(sink, "setp.eq", type, [](T a, T b) { return a == b; });
  add_compare<T>(sink, "setp.ne", type, [](T a, T b) { return a != b; });
  if constexpr (sizeof(T) >= 4) {
    add_unary<U32, T>(sink, "popc", type, [](T a) { return static_cast<U32>(__builtin_popcountll(a)); });
    add_unary<U32, T>(sink, "clz", type, [](T a) {
      return a == 0 ? U32(kBits<T>) : static_cast<U32>(__builtin_clzll(a)) - U32(64 - kBits<T>);
    });
    add_unary<T, T>(sink, "brev", type, [](T a) { return reversed(a); });
  }
}

// bfi has five operands, so its length stands in LaneArguments::second.
template <class T>
void insert_bit_field(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const Slot<T>* a = slot_at<T>(file, o.a);
  const Slot<T>* b = slot_at<T>(file, o.b);
  const U32* position = slot_at<U32>(file, o.c);
  const U32* length = slot_at<U32>(file, o.second);
  for_lanes<T>(slot_at<T>(file, o.d), mask, [&](int l) {
    return with_bit_field<T>(static_cast<T>(a[l]), static_cast<T>(b[l]), position[l], length[l]);
  });
}

void look_up_bits(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const U32 *a = slot_at<U32>(file, o.a), *b = slot_at<U32>(file, o.b), *c = slot_at<U32>(file, o.c);
  const U32 table = o.immediate;
  for_lanes<U32>(slot_at<U32>(file, o.d), mask, [&](int l) {
    U32 r = 0;
    for (U32 i = 0; i < 8; ++i) {
      const U32 term =
          ((i & 4) != 0 ? a[l] : ~a[l]) & ((i & 2) != 0 ? b[l] : ~b[l]) & ((i & 1) != 0 ? c[l] : ~c[l]);
      r |= term & (0u - (table >> i & 1u));
    }
    return r;
  });
}

/// d = a + b, or a - b, with the carry in or out of kCarry; a may be part of a product.
enum class Product { none, low, high };
template <class T, bool subtracts, bool takes, bool gives, Product product>
void with_carry(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  using W = Wide<Unsigned<T>>;
  const Slot<T>* a = slot_at<T>(file, o.a);
  const Slot<T>* b = slot_at<T>(file, o.b);
  const Slot<T>* c = product == Product::none ? nullptr : slot_at<T>(file, o.c);
  const std::uint32_t carry_in = predicate_at(file, kCarry);
  std::uint32_t carry_out = 0;
  for_lanes<T>(slot_at<T>(file, o.d), mask, [&](int l) {
    Unsigned<T> x = static_cast<Unsigned<T>>(a[l]), y = static_cast<Unsigned<T>>(b[l]);
    if constexpr (product == Product::low)
      x = static_cast<Unsigned<T>>(low_product(static_cast<T>(x), static_cast<T>(y)));
    if constexpr (product == Product::high)
      x = static_cast<Unsigned<T>>(high_product(static_cast<T>(x), static_cast<T>(y)));
    if constexpr (product != Product::none) y = static_cast<Unsigned<T>>(c[l]);
    const W in = takes ? carry_in >> l & 1 : 0;
    const W r = subtracts ? static_cast<W>(x) - y - in : static_cast<W>(x) + y + in;
    carry_out |= static_cast<std::uint32_t>(r >> kBits<T> & 1) << l;
    return static_cast<T>(r);
  });
  if constexpr (gives) write_predicate(file, kCarry, carry_out, mask);
}

template <class T>
void add_carries(LaneOpSink& sink, const char* type) {
  constexpr const char* kThree = kOperands<T, T, T>;
  constexpr const char* kFour = kOperands<T, T, T, T>;
  using enum Product;
  sink.add("add.cc", type, kThree, &with_carry<T, false, false, true, none>);
  sink.add("addc", type, kThree, &with_carry<T, false, true, false, none>);
  sink.add("addc.cc", type, kThree, &with_carry<T, false, true, true, none>);
  sink.add("sub.cc", type, kThree, &with_carry<T, true, false, true, none>);
  sink.add("subc", type, kThree, &with_carry<T, true, true, false, none>);
  sink.add("subc.cc", type, kThree, &with_carry<T, true, true, true, none>);
  sink.add("mad.lo.cc", type, kFour, &with_carry<T, false, false, true, low>);
  sink.add("mad.hi.cc", type, kFour, &with_carry<T, false, false, true, high>);
  sink.add("madc.lo", type, kFour, &with_carry<T, false, true, false, low>);
  sink.add("madc.hi", type, kFour, &with_carry<T, false, true, false, high>);
  sink.add("madc.lo.cc", type, kFour, &with_carry<T, false, true, true, low>);
  sink.add("madc.hi.cc", type, kFour, &with_carry<T, false, true, true, high>);
}

template <class A, class B>
void add_dots(LaneOpSink& sink, const char* type) {
  add_ternary<U32, U32, U32, U32>(sink, "dp4a", type,
                                  [](U32 a, U32 b, U32 c) { return dot4<A, B>(a, b, c); });
}
template <class A, class B>
void add_dots_of_two(LaneOpSink& sink, const char* type) {
  add_ternary<U32, U32, U32, U32>(sink, "dp2a.lo", type,
                                  [](U32 a, U32 b, U32 c) { return dot2<A, B, 0>(a, b, c); });
  add_ternary<U32, U32, U32, U32>(sink, "dp2a.hi", type,
                                  [](U32 a, U32 b, U32 c) { return dot2<A, B, 2>(a, b, c); });
}

}  // namespace

void add_integer_ops(LaneOpSink& sink) {
  add_arithmetic<U16>(sink, "u16");
  add_arithmetic<S16>(sink, "s16");
  add_arithmetic<U32>(sink, "u32");
  add_arithmetic<S32>(sink, "s32");
  add_arithmetic<U64>(sink, "u64");
  add_arithmetic<S64>(sink, "s64");
  add_bits<U16>(sink, "b16");
  add_bits<U32>(sink, "b32");
  add_bits<U64>(sink, "b64");
  sink.add("bfi", "b32", "wwwww", &insert_bit_field<U32>);
  sink.add("bfi", "b64", "xxxww", &insert_bit_field<U64>);
  sink.add("lop3", "b32", "wwwwi", &look_up_bits);
  add_ternary<U32, U32, U32, U32>(sink, "prmt", "b32",
                                  [](U32 a, U32 b, U32 s) { return picked_bytes(a, b, s); });
  add_ternary<U32, U32, U32, U32>(sink, "shf.l.wrap", "b32", [](U32 a, U32 b, U32 n) {
    return static_cast<U32>((U64(b) << 32 | a) << (n & 31) >> 32);
  });
  add_ternary<U32, U32, U32, U32>(sink, "shf.r.wrap", "b32", [](U32 a, U32 b, U32 n) {
    return static_cast<U32>((U64(b) << 32 | a) >> (n & 31));
  });
  add_ternary<U32, U32, U32, U32>(sink, "shf.l.clamp", "b32", [](U32 a, U32 b, U32 n) {
    return static_cast<U32>((U64(b) << 32 | a) << (n > 32 ? 32 : n) >> 32);
  });
  add_ternary<U32, U32, U32, U32>(sink, "shf.r.clamp", "b32", [](U32 a, U32 b, U32 n) {
    return static_cast<U32>((U64(b) << 32 | a) >> (n > 32 ? 32 : n));
  });
  add_carries<U32>(sink, "u32");
  add_carries<S32>(sink, "s32");
  add_carries<U64>(sink, "u64");
  add_carries<S64>(sink, "s64");
  add_dots<U8, U8>(sink, "u32.u32");
  add_dots<U8, S8>(sink, "u32.s32");
  add_dots<S8, U8>(sink, "s32.u32");
  add_dots<S8, S8>(sink, "s32.s32");
  add_dots_of_two<U16, U8>(sink, "u32.u32");
  add_dots_of_two<U16, S8>(sink, "u32.s32");
  add_dots_of_two<S16, U8>(sink, "s32.u32");
  add_dots_of_two<S16, S8>(sink, "s32.s32");
}

}  // namespace ptx::PTX_ISA
