/// A stack of its own for code that can pause: the ground on which the threads of a block wait for each
/// other.
///
/// Only one fiber runs at a time, on the thread of the operating system that resumed it. The address
/// sanitizer and the thread sanitizer are told of every switch; to the latter, fibers are threads.
#pragma once

#include <cstddef>

namespace on_cpu {

class Fiber {
 public:
  using Body = void (*)();

  /// Throws std::bad_alloc where there is no memory for a stack.
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Runs `body` from its start, or on from where it paused; returns when it pauses or ends. `body` ends with
  /// all its objects destroyed, and lets no exception out. Not to be called on a fiber.
  void resume(Body body);
  /// Back to whoever resumed. To be called on this fiber.
  void pause();
  bool is_started() const { return is_started_; }

  /// What the code on this fiber has done so far becomes visible to whoever acquires `clock` later; the
  /// thread sanitizer knows of no other order between fibers. Nothing without it. Not to be called on a
  /// fiber.
  void release(void* clock);
  void acquire(void* clock);

 private:
  struct Context;  // of Boost and of the sanitizers
  Context* context_;
  bool is_started_ = false;
};

/// The same for the code that resumes.
void release_from_scheduler(void* clock);
void acquire_in_scheduler(void* clock);

}  // namespace on_cpu
