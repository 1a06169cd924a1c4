#include "collectives.h"

#include <algorithm>
#include <bit>

namespace on_cpu {
namespace {

/// Calls `body` with the number of each lane of `mask`.
template <class Body>
void for_lanes(std::uint32_t mask, Body body) {
  for (; mask != 0; mask &= mask - 1) body(static_cast<unsigned>(std::countr_zero(mask)));
}

template <class T>
T& brought(void* const lanes[kWarp], unsigned i) {
  return *static_cast<T*>(lanes[i]);
}

struct Shuffled {
  std::uint64_t mine;
  unsigned source;
  std::uint64_t result;
};

const char* combine_shuffle(void* const lanes[kWarp], std::uint32_t mask) {
  const char* finding = nullptr;
  for_lanes(mask, [&](unsigned i) {
    Shuffled& lane = brought<Shuffled>(lanes, i);
    const unsigned source = lane.source == kOwn ? i : lane.source;
    if (source >= kWarp || lanes[source] == nullptr) {
      finding = "a lane reads a lane outside of the mask";
    } else {
      lane.result = brought<Shuffled>(lanes, source).mine;
    }
  });
  return finding;
}

struct Ballot {
  bool predicate;
  std::uint32_t result;
};

const char* combine_ballot(void* const lanes[kWarp], std::uint32_t mask) {
  std::uint32_t holds = 0;
  for_lanes(mask, [&](unsigned i) { holds |= std::uint32_t(brought<Ballot>(lanes, i).predicate) << i; });
  for_lanes(mask, [&](unsigned i) { brought<Ballot>(lanes, i).result = holds; });
  return nullptr;
}

template <class Join>
const char* combine_values(void* const lanes[kWarp], std::uint32_t mask, Join join) {
  std::uint32_t all = brought<std::uint32_t>(lanes, static_cast<unsigned>(std::countr_zero(mask)));
  for_lanes(mask & (mask - 1), [&](unsigned i) { all = join(all, brought<std::uint32_t>(lanes, i)); });
  for_lanes(mask, [&](unsigned i) { brought<std::uint32_t>(lanes, i) = all; });
  return nullptr;
}
const char* combine_sum(void* const lanes[kWarp], std::uint32_t mask) {
  return combine_values(lanes, mask, [](std::uint32_t a, std::uint32_t b) { return a + b; });
}
const char* combine_smallest(void* const lanes[kWarp], std::uint32_t mask) {
  return combine_values(lanes, mask, [](std::uint32_t a, std::uint32_t b) { return std::min(a, b); });
}
const char* combine_largest(void* const lanes[kWarp], std::uint32_t mask) {
  return combine_values(lanes, mask, [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
}
const char* combine_disjunction(void* const lanes[kWarp], std::uint32_t mask) {
  return combine_values(lanes, mask, [](std::uint32_t a, std::uint32_t b) { return a | b; });
}

const char* combine_nothing(void* const[kWarp], std::uint32_t) { return nullptr; }

constexpr WarpOperation kSync{"__syncwarp", combine_nothing, true},
    kShuffle{"a shuffle", combine_shuffle, false}, kBallot{"a vote", combine_ballot, false};
constexpr WarpOperation kReductions[] = {
    {"__reduce_add_sync", combine_sum, false},
    {"__reduce_min_sync", combine_smallest, false},
    {"__reduce_max_sync", combine_largest, false},
    {"__reduce_or_sync", combine_disjunction, false},
};

}  // namespace

void sync_warp(std::uint32_t mask, Where where) { meet_warp(kSync, mask, nullptr, where); }

std::uint64_t shuffle(std::uint32_t mask, std::uint64_t mine, unsigned source, Where where) {
  Shuffled lane{mine, source, 0};
  meet_warp(kShuffle, mask, &lane, where);
  return lane.result;
}

std::uint32_t ballot(std::uint32_t mask, bool predicate, Where where) {
  Ballot lane{predicate, 0};
  meet_warp(kBallot, mask, &lane, where);
  return lane.result;
}

std::uint32_t reduce(std::uint32_t mask, std::uint32_t mine, Reduction reduction, Where where) {
  meet_warp(kReductions[static_cast<int>(reduction)], mask, &mine, where);
  return mine;
}

}  // namespace on_cpu
