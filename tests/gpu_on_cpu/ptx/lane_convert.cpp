#include "lane_loops.h"

namespace ptx::PTX_ISA {
namespace {

template <class T>
struct Named {
  using Type = T;
  const char* name;
};

/// "u32" and "f32" make "u32.f32".
struct Pair {
  char text[16] = {};
  Pair(const char* d, const char* s) {
    int n = 0;
    for (; *d != 0 && n < 7; ++d) text[n++] = *d;
    text[n++] = '.';
    for (; *s != 0 && n < 15; ++s) text[n++] = *s;
  }
};

template <class T>
inline constexpr bool kIsSigned = T(-1) < T(0);
template <class T>
inline constexpr T kLargest = static_cast<T>(kIsSigned<T> ? (std::uint64_t(1) << (sizeof(T) * 8 - 1)) - 1
                                                          : ~std::uint64_t(0));
template <class T>
inline constexpr T kSmallest = static_cast<T>(kIsSigned<T> ? static_cast<T>(-kLargest<T> - 1) : T(0));

PTX_INLINE float nearest(float x) { return __builtin_rintf(x); }
PTX_INLINE double nearest(double x) { return __builtin_rint(x); }
PTX_INLINE float towards_zero(float x) { return __builtin_truncf(x); }
PTX_INLINE double towards_zero(double x) { return __builtin_trunc(x); }
PTX_INLINE float down(float x) { return __builtin_floorf(x); }
PTX_INLINE double down(double x) { return __builtin_floor(x); }
PTX_INLINE float up(float x) { return __builtin_ceilf(x); }
PTX_INLINE double up(double x) { return __builtin_ceil(x); }
PTX_INLINE float canonical(float x) { return x != x ? __builtin_bit_cast(float, 0x7fffffffu) : x; }
PTX_INLINE double canonical(double x) { return x; }

/// Out of range gives the nearest end, a NaN gives 0. Expects a whole number.
template <class D, class S>
PTX_INLINE D clamped(S x) {
  constexpr S kEnd = static_cast<S>(kLargest<D> / 2 + 1) * 2;  // exact: one above the largest, a power of two
  if (x != x) return 0;
  if (x >= kEnd) return kLargest<D>;
  if (x < static_cast<S>(kSmallest<D>)) return kSmallest<D>;
  return static_cast<D>(x);
}
template <class D, class S>
PTX_INLINE D clamped_integer(S x) {
  if constexpr (kIsSigned<S>) {
    if constexpr (!kIsSigned<D>) {
      if (x < 0) return 0;
      if (static_cast<std::uint64_t>(x) > static_cast<std::uint64_t>(kLargest<D>)) return kLargest<D>;
    } else {
      if (static_cast<std::int64_t>(x) > static_cast<std::int64_t>(kLargest<D>)) return kLargest<D>;
      if (static_cast<std::int64_t>(x) < static_cast<std::int64_t>(kSmallest<D>)) return kSmallest<D>;
    }
  } else {
    if (static_cast<std::uint64_t>(x) > static_cast<std::uint64_t>(kLargest<D>)) return kLargest<D>;
  }
  return static_cast<D>(x);
}

template <class D, class S>
void add_integer_to_integer(LaneOpSink& sink, const char* pair) {
  add_unary<D, S>(sink, "cvt", pair, [](S x) { return static_cast<D>(x); });
  add_unary<D, S>(sink, "cvt.sat", pair, [](S x) { return clamped_integer<D>(x); });
}
template <class D, class S>
void add_float_to_integer(LaneOpSink& sink, const char* pair) {
  add_unary<D, S>(sink, "cvt.rni", pair, [](S x) { return clamped<D>(nearest(x)); });
  add_unary<D, S>(sink, "cvt.rzi", pair, [](S x) { return clamped<D>(towards_zero(x)); });
  add_unary<D, S>(sink, "cvt.rmi", pair, [](S x) { return clamped<D>(down(x)); });
  add_unary<D, S>(sink, "cvt.rpi", pair, [](S x) { return clamped<D>(up(x)); });
}
template <class T>
void add_rounding(LaneOpSink& sink, const char* pair) {
  add_unary<T, T>(sink, "cvt", pair, [](T x) { return canonical(x); });
  add_unary<T, T>(sink, "cvt.rni", pair, [](T x) { return canonical(nearest(x)); });
  add_unary<T, T>(sink, "cvt.rzi", pair, [](T x) { return canonical(towards_zero(x)); });
  add_unary<T, T>(sink, "cvt.rmi", pair, [](T x) { return canonical(down(x)); });
  add_unary<T, T>(sink, "cvt.rpi", pair, [](T x) { return canonical(up(x)); });
  add_unary<T, T>(sink, "cvt.sat", pair, [](T x) { return x > T(1) ? T(1) : (x > T(0) ? x : T(0)); });
}

template <class Visit>
void for_each_integer(Visit visit) {
  visit(Named<std::uint8_t>{"u8"});
  visit(Named<std::int8_t>{"s8"});
  visit(Named<std::uint16_t>{"u16"});
  visit(Named<std::int16_t>{"s16"});
  visit(Named<std::uint32_t>{"u32"});
  visit(Named<std::int32_t>{"s32"});
  visit(Named<std::uint64_t>{"u64"});
  visit(Named<std::int64_t>{"s64"});
}
template <class Visit>
void for_each_float(Visit visit) {
  visit(Named<float>{"f32"});
  visit(Named<double>{"f64"});
}

}  // namespace

void add_conversions(LaneOpSink& sink) {
  for_each_integer([&](auto d) {
    using D = typename decltype(d)::Type;
    for_each_integer([&](auto s) {
      add_integer_to_integer<D, typename decltype(s)::Type>(sink, Pair(d.name, s.name).text);
    });
    for_each_float([&](auto s) {
      using S = typename decltype(s)::Type;
      add_float_to_integer<D, S>(sink, Pair(d.name, s.name).text);
      add_unary<S, D>(sink, "cvt.rn", Pair(s.name, d.name).text, [](D x) { return static_cast<S>(x); });
    });
  });
  add_rounding<float>(sink, "f32.f32");
  add_rounding<double>(sink, "f64.f64");
  add_unary<double, float>(sink, "cvt", "f64.f32", [](float x) { return static_cast<double>(x); });
  add_unary<float, double>(sink, "cvt.rn", "f32.f64",
                           [](double x) { return canonical(static_cast<float>(x)); });
}

}  // namespace ptx::PTX_ISA
