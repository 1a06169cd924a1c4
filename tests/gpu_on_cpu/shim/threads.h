/// The threads of one block, as block.cpp keeps them, and the sentences about them.
#pragma once

#include <utility>

#include "block.h"
#include "fiber.h"

namespace on_cpu {

enum class State { runnable, at_warp_operation, at_barrier, ended };

struct Thread {
  unsigned number;
  uint3 index;
  State state;
  Fiber* fiber;  // null before its start and after its end
  // What it waits for:
  const char* operation;
  Where where;
  const WarpOperation* warp_operation;
  std::uint32_t mask;
  void* mine;
  Vote vote;
  int value;  // brought to the barrier, then the result
};

struct Warp {
  std::uint32_t exists, ended;
  unsigned waiting;  // lanes at an operation
  Thread* lanes;
};

struct Block {
  Thread threads[kMaxThreads];
  Warp warps[kMaxThreads / kWarp];
  unsigned size, ended, at_barrier;

  Warp& warp_of(const Thread& t) { return warps[t.number / kWarp]; }
};

/// Threads that can go on: first come first served, or in an order that a seed chooses.
class RunQueue {
 public:
  void reset(std::uint64_t seed) {
    first_ = size_ = 0;
    random_ = seed;
  }
  bool is_empty() const { return size_ == 0; }
  void push(Thread& thread) { threads_[(first_ + size_++) % kMaxThreads] = &thread; }
  Thread& pop() {
    if (random_ != 0) {
      random_ = random_ * 6364136223846793005u + 1442695040888963407u;
      const auto chosen = static_cast<unsigned>((random_ >> 33) % size_);
      std::swap(threads_[first_ % kMaxThreads], threads_[(first_ + chosen) % kMaxThreads]);
    }
    --size_;
    return *threads_[first_++ % kMaxThreads];
  }

 private:
  Thread* threads_[kMaxThreads];
  unsigned first_ = 0, size_ = 0;
  std::uint64_t random_ = 0;
};

std::string text(unsigned x, unsigned y, unsigned z);
/// "__syncthreads at mvm.cu:12", where `t` waits.
std::string place_of(const Thread& t);
/// "0x0000ffff".
std::string text_of_mask(std::uint32_t mask);

std::string sentence_on_lane_out_of_its_mask(const Thread& t);
/// `t` waits for lanes that can never come.
std::string sentence_on_missing_lanes(const Thread& t, std::uint32_t missing, const Warp& warp);
std::string sentence_on_two_barriers(const Thread& a, const Thread& b);
/// Nobody can go on, and not all have ended.
std::string sentence_on_deadlock(Block& block);

}  // namespace on_cpu
