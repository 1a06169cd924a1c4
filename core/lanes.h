/// Lanes: N floats (or integers) that one instruction treats alike, so that a formula is written once for all
/// backends.
///
/// A formula is a template over its lane type `F`: `float` on CUDA, in references and for left-over elements,
/// `FloatLanes<4>`, `<8>` or `<16>` in vector code. Every function here is correctly rounded or exact, so
/// all lane types give the same bits. A formula never branches on a lane's value: it computes both sides and
/// selects.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "meltquench/core/host_device.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)  // most files: <immintrin.h> takes longer to read than this header
#include <emmintrin.h>
#endif

namespace mq {

namespace detail {
template <class T, int N>
struct Vector;
template <class T>
struct Vector<T, 4> {
  typedef T V __attribute__((vector_size(16)));
};
template <class T>
struct Vector<T, 8> {
  typedef T V __attribute__((vector_size(32)));
};
template <class T>
struct Vector<T, 16> {
  typedef T V __attribute__((vector_size(64)));
};
}  // namespace detail

/// N comparison results; all bits of a lane are set or clear.
template <int N>
struct MaskLanes {
  typename detail::Vector<std::int32_t, N>::V v;
};

#define MQ_LANE_OPERATOR(op) \
  MQ_HD friend Lanes operator op(Lanes a, Lanes b) { return Lanes(a.v op b.v); }
#define MQ_LANE_COMPARISON(op) \
  MQ_HD friend MaskLanes<N> operator op(Lanes a, Lanes b) { return {a.v op b.v}; }

/// N values of T = float, int32_t or uint32_t; a scalar turns into N equal ones.
template <class T, int N>
struct Lanes {
  using V = typename detail::Vector<T, N>::V;
  V v;

  Lanes() = default;
  MQ_HD Lanes(T s) : v(s - V{}) {}
  MQ_HD explicit Lanes(V lanes) : v(lanes) {}

  MQ_LANE_OPERATOR(+)
  MQ_LANE_OPERATOR(-)
  MQ_LANE_OPERATOR(*)
  MQ_LANE_OPERATOR(/)
  MQ_LANE_COMPARISON(<)
  MQ_LANE_COMPARISON(>)
  MQ_LANE_COMPARISON(<=)
  MQ_LANE_COMPARISON(>=)
  MQ_LANE_COMPARISON(==)
  MQ_HD friend Lanes operator-(Lanes a) { return Lanes(-a.v); }
  // Integers only:
  MQ_LANE_OPERATOR(&)
  MQ_LANE_OPERATOR(|)
  MQ_LANE_OPERATOR(^)
  MQ_HD friend Lanes operator~(Lanes a) { return Lanes(~a.v); }
  MQ_HD friend Lanes operator<<(Lanes a, int s) { return Lanes(a.v << s); }
  MQ_HD friend Lanes operator>>(Lanes a, int s) { return Lanes(a.v >> s); }
};
#undef MQ_LANE_OPERATOR
#undef MQ_LANE_COMPARISON

template <int N>
using FloatLanes = Lanes<float, N>;
template <int N>
using IntLanes = Lanes<std::int32_t, N>;
template <int N>
using UIntLanes = Lanes<std::uint32_t, N>;

/// The integer and mask types that go with a lane type, and its width.
template <class F>
struct LaneTraits;
template <>
struct LaneTraits<float> {
  using Int = std::int32_t;
  using UInt = std::uint32_t;
  using Mask = bool;
  static constexpr int kWidth = 1;
};
template <int N>
struct LaneTraits<FloatLanes<N>> {
  using Int = IntLanes<N>;
  using UInt = UIntLanes<N>;
  using Mask = MaskLanes<N>;
  static constexpr int kWidth = N;
};

/// a where the mask holds, else b.
MQ_HD float select(bool mask, float a, float b) { return mask ? a : b; }
template <int N>
MQ_HD FloatLanes<N> select(MaskLanes<N> mask, FloatLanes<N> a, std::type_identity_t<FloatLanes<N>> b) {
  return FloatLanes<N>(mask.v ? a.v : b.v);
}

/// a * b + c, rounded once.
MQ_HD float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}
template <int N>
MQ_HD FloatLanes<N> fma(FloatLanes<N> a, std::type_identity_t<FloatLanes<N>> b,
                        std::type_identity_t<FloatLanes<N>> c) {
#if defined(__AVX512F__)
  if constexpr (N == 16) {
    return FloatLanes<N>(typename FloatLanes<N>::V(_mm512_fmadd_ps(__m512(a.v), __m512(b.v), __m512(c.v))));
  }
#endif
#if defined(__FMA__)
  if constexpr (N == 8) {
    return FloatLanes<N>(typename FloatLanes<N>::V(_mm256_fmadd_ps(__m256(a.v), __m256(b.v), __m256(c.v))));
  }
#endif
  FloatLanes<N> r;
  for (int i = 0; i < N; ++i) r.v[i] = __builtin_fmaf(a.v[i], b.v[i], c.v[i]);
  return r;
}

MQ_HD float sqrt(float a) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(a);
#else
  return __builtin_sqrtf(a);
#endif
}
template <int N>
MQ_HD FloatLanes<N> sqrt(FloatLanes<N> a) {
#if defined(__AVX512F__)
  if constexpr (N == 16)
    return FloatLanes<N>(typename FloatLanes<N>::V(_mm512_maskz_sqrt_ps(0xffff, __m512(a.v))));
#endif
#if defined(__AVX2__)
  if constexpr (N == 8) return FloatLanes<N>(typename FloatLanes<N>::V(_mm256_sqrt_ps(__m256(a.v))));
#endif
  FloatLanes<N> r;
  for (int i = 0; i < N; ++i) r.v[i] = __builtin_sqrtf(a.v[i]);
  return r;
}

/// Nearest integer, ties to even.
MQ_HD float rint(float a) {
#if defined(__CUDA_ARCH__)
  return ::rintf(a);
#else
  return __builtin_rintf(a);
#endif
}
template <int N>
MQ_HD FloatLanes<N> rint(FloatLanes<N> a) {
#if defined(__AVX512F__)
  if constexpr (N == 16) {
    return FloatLanes<N>(typename FloatLanes<N>::V(
        _mm512_maskz_roundscale_ps(0xffff, __m512(a.v), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
  }
#endif
#if defined(__AVX2__)
  if constexpr (N == 8) {
    return FloatLanes<N>(typename FloatLanes<N>::V(
        _mm256_round_ps(__m256(a.v), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)));
  }
#endif
  FloatLanes<N> r;
  for (int i = 0; i < N; ++i) r.v[i] = __builtin_rintf(a.v[i]);
  return r;
}

/// Conversions; `to_int` expects a value that fits and drops the fraction.
MQ_HD float to_float(std::int32_t a) { return static_cast<float>(a); }
MQ_HD std::int32_t to_int(float a) { return static_cast<std::int32_t>(a); }
template <int N>
MQ_HD FloatLanes<N> to_float(IntLanes<N> a) {
  return FloatLanes<N>(__builtin_convertvector(a.v, typename FloatLanes<N>::V));
}
template <int N>
MQ_HD IntLanes<N> to_int(FloatLanes<N> a) {
  return IntLanes<N>(__builtin_convertvector(a.v, typename IntLanes<N>::V));
}

/// The bits of a float, and back; signed and unsigned views of the same bits.
MQ_HD std::uint32_t to_bits(float a) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(a);
#else
  return std::bit_cast<std::uint32_t>(a);
#endif
}
MQ_HD float from_bits(std::uint32_t a) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(a);
#else
  return std::bit_cast<float>(a);
#endif
}
MQ_HD std::int32_t as_signed(std::uint32_t a) { return static_cast<std::int32_t>(a); }
MQ_HD std::uint32_t as_unsigned(std::int32_t a) { return static_cast<std::uint32_t>(a); }
template <int N>
MQ_HD UIntLanes<N> to_bits(FloatLanes<N> a) {
  return UIntLanes<N>((typename UIntLanes<N>::V)a.v);
}
template <int N>
MQ_HD FloatLanes<N> from_bits(UIntLanes<N> a) {
  return FloatLanes<N>((typename FloatLanes<N>::V)a.v);
}
template <int N>
MQ_HD IntLanes<N> as_signed(UIntLanes<N> a) {
  return IntLanes<N>((typename IntLanes<N>::V)a.v);
}
template <int N>
MQ_HD UIntLanes<N> as_unsigned(IntLanes<N> a) {
  return UIntLanes<N>((typename UIntLanes<N>::V)a.v);
}

/// Number of bits that are set.
MQ_HD std::uint32_t popcount(std::uint32_t a) {
#if defined(__CUDA_ARCH__)
  return static_cast<std::uint32_t>(__popc(a));
#else
  return static_cast<std::uint32_t>(std::popcount(a));
#endif
}
template <int N>
MQ_HD UIntLanes<N> popcount(UIntLanes<N> a) {
#if defined(__AVX2__)
  if constexpr (N == 8) {
    // Counts of the 16 values of half a byte, then sums over the bytes of a lane.
    const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2,
                                            2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    const __m256i half = _mm256_set1_epi8(15), bits = __m256i(a.v);
    const __m256i bytes =
        _mm256_add_epi8(_mm256_shuffle_epi8(counts, _mm256_and_si256(bits, half)),
                        _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(bits, 4), half)));
    const __m256i pairs = _mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1));
    return UIntLanes<N>(typename UIntLanes<N>::V(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))));
  }
#endif
  a = a - ((a >> 1) & 0x55555555u);
  a = (a & 0x33333333u) + ((a >> 2) & 0x33333333u);
  a = (a + (a >> 4)) & 0x0f0f0f0fu;
  return (a * 0x01010101u) >> 24;
}

/// Unaligned loads and stores of as many consecutive elements as F has lanes.
template <class F, class T>
MQ_HD F load(const T* p) {
  if constexpr (std::is_arithmetic_v<F>) {
    return static_cast<F>(*p);
  } else {
    F r;
    std::memcpy(&r.v, p, sizeof(r.v));
    return r;
  }
}
template <class F, class T>
MQ_HD void store(T* p, F a) {
  if constexpr (std::is_arithmetic_v<F>) {
    *p = static_cast<T>(a);
  } else {
    std::memcpy(p, &a.v, sizeof(a.v));
  }
}

/// table[i] for the index of each lane.
MQ_HD float gather(const float* table, std::int32_t i) { return table[i]; }
template <int N>
MQ_HD FloatLanes<N> gather(const float* table, IntLanes<N> i) {
#if defined(__AVX2__)
  if constexpr (N == 8) {
    return FloatLanes<N>(typename FloatLanes<N>::V(_mm256_i32gather_ps(table, __m256i(i.v), 4)));
  }
#endif
  FloatLanes<N> r;
  for (int n = 0; n < N; ++n) r.v[n] = table[i.v[n]];
  return r;
}

/// Whether the mask holds in any lane: for loops that end when all lanes are done.
MQ_HD bool any_of(bool mask) { return mask; }
template <int N>
MQ_HD bool any_of(MaskLanes<N> mask) {
#if defined(__AVX2__)
  if constexpr (N == 8) return _mm256_testz_si256(__m256i(mask.v), __m256i(mask.v)) == 0;
#endif
  std::int32_t all = 0;
  for (int n = 0; n < N; ++n) all |= mask.v[n];
  return all != 0;
}

/// first, first + 1, ... in the lanes of U.
template <class U>
MQ_HD U ascending_from(std::uint32_t first) {
  if constexpr (std::is_arithmetic_v<U>) {
    return first;
  } else {
    U r;
    constexpr int kWidth = sizeof(r.v) / 4;
    for (int i = 0; i < kWidth; ++i) r.v[i] = first + static_cast<std::uint32_t>(i);
    return r;
  }
}

}  // namespace mq
