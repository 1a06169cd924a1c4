/// Bits, integer dot products and atomics, in CUDA's spelling; meanings are those of the CUDA Math API 13.0.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <type_traits>

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
/// From 1: the lowest set bit; 0 if none is.
inline int __ffs(int x) { return x == 0 ? 0 : std::countr_zero(static_cast<unsigned>(x)) + 1; }
inline unsigned __brev(unsigned x) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (x >> i & 1) << (31 - i);
  return reversed;
}
/// The upper half of high:low << shift % 32.
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  const std::uint64_t both = std::uint64_t(high) << 32 | low;
  return static_cast<unsigned>(both << (shift & 31) >> 32);
}
/// The lower half of high:low >> shift % 32.
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  const std::uint64_t both = std::uint64_t(high) << 32 | low;
  return static_cast<unsigned>(both >> (shift & 31));
}
/// Byte i of the result is the byte of y:x that hex digit i of `selector` names; with 8 added, its sign.
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const std::uint64_t both = std::uint64_t(y) << 32 | x;
  unsigned result = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned digit = selector >> 4 * i & 15;
    unsigned byte = static_cast<unsigned>(both >> 8 * (digit & 7)) & 0xff;
    if (digit >= 8) byte = byte >= 128 ? 0xff : 0;
    result |= byte << 8 * i;
  }
  return result;
}
inline unsigned __umulhi(unsigned x, unsigned y) { return static_cast<unsigned>(std::uint64_t(x) * y >> 32); }
/// c plus the products of the four bytes of a and b, modulo 2^32.
inline int __dp4a(int a, int b, int c) {
  unsigned sum = static_cast<unsigned>(c);
  for (int i = 0; i < 4; ++i) {
    sum += static_cast<unsigned>(static_cast<std::int8_t>(a >> 8 * i) * static_cast<std::int8_t>(b >> 8 * i));
  }
  return static_cast<int>(sum);
}
inline unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
  for (int i = 0; i < 4; ++i) c += (a >> 8 * i & 0xff) * (b >> 8 * i & 0xff);
  return c;
}

inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }

template <class T>
T __ldg(const T* p) {
  return *p;
}

namespace on_cpu {

/// Only integers: the order of float sums would be up to the threads.
template <class T>
std::atomic_ref<T> atomic(T* p) {
  static_assert(std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  return std::atomic_ref<T>(*p);
}

/// *p = join(*p); returns what it was.
template <class T, class Join>
T replace(T* p, Join join) {
  const auto place = atomic(p);
  T before = place.load(std::memory_order_relaxed);
  while (!place.compare_exchange_weak(before, join(before), std::memory_order_relaxed)) {
  }
  return before;
}

}  // namespace on_cpu

template <class T>
T atomicAdd(T* p, std::type_identity_t<T> x) {
  return on_cpu::atomic(p).fetch_add(x, std::memory_order_relaxed);
}
template <class T>
T atomicSub(T* p, std::type_identity_t<T> x) {
  return on_cpu::atomic(p).fetch_sub(x, std::memory_order_relaxed);
}
template <class T>
T atomicOr(T* p, std::type_identity_t<T> x) {
  return on_cpu::atomic(p).fetch_or(x, std::memory_order_relaxed);
}
template <class T>
T atomicAnd(T* p, std::type_identity_t<T> x) {
  return on_cpu::atomic(p).fetch_and(x, std::memory_order_relaxed);
}
template <class T>
T atomicXor(T* p, std::type_identity_t<T> x) {
  return on_cpu::atomic(p).fetch_xor(x, std::memory_order_relaxed);
}
template <class T>
T atomicExch(T* p, std::type_identity_t<T> x) {
  return on_cpu::atomic(p).exchange(x, std::memory_order_relaxed);
}
template <class T>
T atomicMax(T* p, std::type_identity_t<T> x) {
  return on_cpu::replace(p, [x](T before) { return before < x ? x : before; });
}
template <class T>
T atomicMin(T* p, std::type_identity_t<T> x) {
  return on_cpu::replace(p, [x](T before) { return x < before ? x : before; });
}
template <class T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> x) {
  on_cpu::atomic(p).compare_exchange_strong(expected, x, std::memory_order_relaxed);
  return expected;
}
inline void __threadfence() {}
