/// Runs the threads of a grid, block after block, and lets those of a block wait for each other.
///
/// A thread runs on a fiber until it ends or comes to a barrier or to an operation of its warp; then another
/// one runs. Which one is next is up to a seed, so a kernel that leans on an order of its own gives itself
/// away. What the rules of CUDA forbid stops the kernel with a sentence, the finding: CUDA C++ Programming
/// Guide 13.0, "Synchronization Functions", "Warp Vote Functions", "Warp Shuffle Functions".
///
/// To the thread sanitizer the threads of a block are threads, which only barriers and __syncwarp put in
/// order; one block comes after the other.
#pragma once

#include <cstdint>
#include <string>

#include "dim3.h"

namespace on_cpu {

/// Where a call stands: std::source_location, which clang 14 lacks.
class Where {
 public:
  Where() = default;
  static Where current(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return {file, line};
  }
  const char* file_name() const { return file_; }
  int line() const { return line_; }

 private:
  Where(const char* file, int line) : file_(file), line_(line) {}
  const char* file_ = "";
  int line_ = 0;
};

struct Launch {
  const char* kernel;  // its name, for sentences
  dim3 blocks, threads;
  void (*thread)(void* context);
  void* context;
};

inline constexpr unsigned kWarp = 32, kMaxThreads = 1024;

/// Calls `thread(context)` once for each thread of the grid, with threadIdx, blockIdx, blockDim and gridDim
/// set. Returns the finding that stopped it, or an empty text. `seed` 0: ascending order. Expects a valid
/// grid.
std::string run_grid(const Launch& launch, std::uint64_t seed);

/// What all threads of a block do at a barrier: each brings a value and takes the result (of `Vote::none`:
/// 0).
enum class Vote { none, any, all, count };
int meet_block(const char* name, Vote vote, bool value, Where where);

/// What lanes of a warp do together. `combine` gets what each lane of `mask` brought (null for the others)
/// and leaves the results there; it returns a finding, or null.
struct WarpOperation {
  const char* name;
  const char* (*combine)(void* const lanes[kWarp], std::uint32_t mask);
  bool orders_memory;
};
void meet_warp(const WarpOperation& operation, std::uint32_t mask, void* mine, Where where);

/// The running thread's place in its warp.
unsigned lane();

}  // namespace on_cpu
