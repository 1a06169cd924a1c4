/// Loops over lanes, for the lane_*.cpp files, which are compiled once per instruction set.
///
/// Everything here has internal linkage, and these files use no templates of the standard library: otherwise
/// the linker could hand code made for AVX2 to a caller on a machine without it.
#pragma once

#include "lane_ops.h"

#if defined(__clang__)
#define PTX_NO_OVERLAP
#else
#define PTX_NO_OVERLAP _Pragma("GCC ivdep")
#endif
#define PTX_INLINE __attribute__((always_inline)) inline

namespace ptx::PTX_ISA {
namespace {

template <bool is_wide>
struct SlotOf {
  using Type = std::uint32_t;
};
template <>
struct SlotOf<true> {
  using Type = std::uint64_t;
};
template <class T>
using Slot = typename SlotOf<sizeof(T) == 8>::Type;
template <class T>
inline constexpr char kLetter = sizeof(T) == 8 ? 'x' : 'w';
template <class T>
inline constexpr bool kIsFloat = false;
template <>
inline constexpr bool kIsFloat<float> = true;
template <>
inline constexpr bool kIsFloat<double> = true;

template <class T>
PTX_INLINE T unpack(Slot<T> slot) {
  if constexpr (kIsFloat<T>) {
    return __builtin_bit_cast(T, slot);
  } else {
    return static_cast<T>(slot);
  }
}

/// Narrow signed values fill their slot with the sign, as PTX does where a register is wider than the type.
template <class T>
PTX_INLINE Slot<T> pack(T value) {
  if constexpr (kIsFloat<T>) {
    return __builtin_bit_cast(Slot<T>, value);
  } else {
    return static_cast<Slot<T>>(value);
  }
}

template <class T>
PTX_INLINE Slot<T>* slot_at(std::byte* file, std::uint32_t offset) {
  return reinterpret_cast<Slot<T>*>(file + offset);
}
PTX_INLINE std::uint32_t& predicate_at(std::byte* file, std::uint32_t offset) {
  return *reinterpret_cast<std::uint32_t*>(file + offset);
}

// A destination is one of the sources or apart from all of them: hence no overlap.
template <class D, class Make>
PTX_INLINE void for_lanes(Slot<D>* d, std::uint32_t mask, Make make) {
  if (mask == kAllLanes) {
    PTX_NO_OVERLAP
    for (int l = 0; l < kLanes; ++l) d[l] = pack<D>(make(l));
    return;
  }
  Slot<D> result[kLanes];
  for (int l = 0; l < kLanes; ++l) result[l] = pack<D>(make(l));
  for (int l = 0; l < kLanes; ++l) d[l] = (mask >> l & 1) != 0 ? result[l] : d[l];
}

template <class F, class D, class A>
void unary(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const Slot<A>* a = slot_at<A>(file, o.a);
  for_lanes<D>(slot_at<D>(file, o.d), mask, [&](int l) { return F{}(unpack<A>(a[l])); });
}

template <class F, class D, class A, class B>
void binary(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const Slot<A>* a = slot_at<A>(file, o.a);
  const Slot<B>* b = slot_at<B>(file, o.b);
  for_lanes<D>(slot_at<D>(file, o.d), mask, [&](int l) { return F{}(unpack<A>(a[l]), unpack<B>(b[l])); });
}

template <class F, class D, class A, class B, class C>
void ternary(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const Slot<A>* a = slot_at<A>(file, o.a);
  const Slot<B>* b = slot_at<B>(file, o.b);
  const Slot<C>* c = slot_at<C>(file, o.c);
  for_lanes<D>(slot_at<D>(file, o.d), mask,
               [&](int l) { return F{}(unpack<A>(a[l]), unpack<B>(b[l]), unpack<C>(c[l])); });
}

PTX_INLINE void write_predicate(std::byte* file, std::uint32_t offset, std::uint32_t value,
                                std::uint32_t mask) {
  std::uint32_t& p = predicate_at(file, offset);
  p = (value & mask) | (p & ~mask);
}

template <class F, class T>
void compare(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const Slot<T>* a = slot_at<T>(file, o.a);
  const Slot<T>* b = slot_at<T>(file, o.b);
  std::uint32_t holds = 0;
  for (int l = 0; l < kLanes; ++l)
    holds |= static_cast<std::uint32_t>(F{}(unpack<T>(a[l]), unpack<T>(b[l]))) << l;
  std::uint32_t fails = ~holds;
  if (o.combine != Combine::none) {
    const std::uint32_t c = predicate_at(file, o.c) ^ (o.negates_c ? kAllLanes : 0u);
    holds = o.combine == Combine::conjunction   ? holds & c
            : o.combine == Combine::disjunction ? holds | c
                                                : holds ^ c;
    fails = o.combine == Combine::conjunction   ? fails & c
            : o.combine == Combine::disjunction ? fails | c
                                                : fails ^ c;
  }
  if (o.d != kNoOperand) write_predicate(file, o.d, holds, mask);
  if (o.second != kNoOperand) write_predicate(file, o.second, fails, mask);
}

template <class D, class... S>
inline constexpr char kOperands[] = {kLetter<D>, kLetter<S>..., 0};

// The functor is only named by its type: a lambda without captures.
template <class D, class A, class F>
void add_unary(LaneOpSink& sink, const char* name, const char* type, F) {
  sink.add(name, type, kOperands<D, A>, &unary<F, D, A>);
}
template <class D, class A, class B, class F>
void add_binary(LaneOpSink& sink, const char* name, const char* type, F) {
  sink.add(name, type, kOperands<D, A, B>, &binary<F, D, A, B>);
}
template <class D, class A, class B, class C, class F>
void add_ternary(LaneOpSink& sink, const char* name, const char* type, F) {
  sink.add(name, type, kOperands<D, A, B, C>, &ternary<F, D, A, B, C>);
}
template <class T, class F>
void add_compare(LaneOpSink& sink, const char* name, const char* type, F) {
  sink.add(name, type, sizeof(T) == 8 ? "pxx" : "pww", &compare<F, T>);
}

}  // namespace
}  // namespace ptx::PTX_ISA
