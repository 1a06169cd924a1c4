/// Barriers, shuffles, votes and sums of the lanes of a warp, in CUDA's spelling.
///
/// Meanings are those of the CUDA C++ Programming Guide 13.0. Shuffles and votes order no memory, only
/// __syncwarp and __syncthreads do. What the guide leaves undefined is a finding (block.h), a shuffle from a
/// lane outside the mask included. There is no __activemask: which lanes run together is up to the hardware.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "block.h"

namespace on_cpu {

inline constexpr std::uint32_t kFullMask = 0xffffffffu;

void sync_warp(std::uint32_t mask, Where where);

/// The 8 bytes that lane `source` brought; its own if `source` is none (kOwn).
inline constexpr unsigned kOwn = ~0u;
std::uint64_t shuffle(std::uint32_t mask, std::uint64_t mine, unsigned source, Where where);
/// The lanes of `mask` whose predicate holds.
std::uint32_t ballot(std::uint32_t mask, bool predicate, Where where);
enum class Reduction { sum, smallest, largest, disjunction };
std::uint32_t reduce(std::uint32_t mask, std::uint32_t mine, Reduction reduction, Where where);

template <class T>
T shuffle_as(std::uint32_t mask, T mine, unsigned source, Where where) {
  static_assert(std::is_trivially_copyable_v<T> && (sizeof(T) == 4 || sizeof(T) == 8));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &mine, sizeof(T));
  bits = shuffle(mask, bits, source, where);
  std::memcpy(&mine, &bits, sizeof(T));
  return mine;
}

}  // namespace on_cpu

inline void __syncthreads(on_cpu::Where where = on_cpu::Where::current()) {
  on_cpu::meet_block("__syncthreads", on_cpu::Vote::none, false, where);
}
inline int __syncthreads_or(int predicate, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::meet_block("__syncthreads_or", on_cpu::Vote::any, predicate != 0, where);
}
inline int __syncthreads_and(int predicate, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::meet_block("__syncthreads_and", on_cpu::Vote::all, predicate != 0, where);
}
inline int __syncthreads_count(int predicate, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::meet_block("__syncthreads_count", on_cpu::Vote::count, predicate != 0, where);
}
inline void __syncwarp(unsigned mask = on_cpu::kFullMask, on_cpu::Where where = on_cpu::Where::current()) {
  on_cpu::sync_warp(mask, where);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::ballot(mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::ballot(mask, predicate != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::ballot(mask, predicate != 0, where) == mask;
}

// `width`, a power of two: each group of so many lanes is on its own.
template <class T>
T __shfl_sync(unsigned mask, T mine, int source, int width = 32,
              on_cpu::Where where = on_cpu::Where::current()) {
  const unsigned w = static_cast<unsigned>(width), group = on_cpu::lane() & ~(w - 1);
  return on_cpu::shuffle_as(mask, mine, group | (static_cast<unsigned>(source) & (w - 1)), where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T mine, int lane_mask, int width = 32,
                  on_cpu::Where where = on_cpu::Where::current()) {
  // A lane of an earlier group may be read, one of a later group not.
  const unsigned w = static_cast<unsigned>(width), last = on_cpu::lane() | (w - 1);
  const unsigned source = on_cpu::lane() ^ static_cast<unsigned>(lane_mask);
  return on_cpu::shuffle_as(mask, mine, source <= last ? source : on_cpu::kOwn, where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T mine, unsigned delta, int width = 32,
                 on_cpu::Where where = on_cpu::Where::current()) {
  const unsigned in_group = on_cpu::lane() & (static_cast<unsigned>(width) - 1);
  return on_cpu::shuffle_as(mask, mine, delta <= in_group ? on_cpu::lane() - delta : on_cpu::kOwn, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T mine, unsigned delta, int width = 32,
                   on_cpu::Where where = on_cpu::Where::current()) {
  const unsigned w = static_cast<unsigned>(width), in_group = on_cpu::lane() & (w - 1);
  return on_cpu::shuffle_as(mask, mine, delta < w - in_group ? on_cpu::lane() + delta : on_cpu::kOwn, where);
}

// Of 32-bit integers, from compute capability 8.0 on.
inline unsigned __reduce_add_sync(unsigned mask, unsigned x, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::reduce(mask, x, on_cpu::Reduction::sum, where);
}
inline int __reduce_add_sync(unsigned mask, int x, on_cpu::Where where = on_cpu::Where::current()) {
  return static_cast<int>(on_cpu::reduce(mask, static_cast<unsigned>(x), on_cpu::Reduction::sum, where));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned x, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::reduce(mask, x, on_cpu::Reduction::largest, where);
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned x, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::reduce(mask, x, on_cpu::Reduction::smallest, where);
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned x, on_cpu::Where where = on_cpu::Where::current()) {
  return on_cpu::reduce(mask, x, on_cpu::Reduction::disjunction, where);
}
