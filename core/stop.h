/// Stopping on request: long loops ask `throw_if_stopped()` between units of work and so end between two
/// results.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

namespace mq {

/// Asks the whole process to stop at the next safe point. May be called from a signal handler and any thread.
void request_stop() noexcept;
/// Whether the process, or this thread (StopScope), is to stop.
bool stop_requested() noexcept;
/// Forgets a request, e.g. when Python has turned it into a KeyboardInterrupt.
void clear_stop_request() noexcept;

/// Throws Interrupted if a stop was requested. Costs a nanosecond: long loops ask every 100 ms or more often,
/// also inside pieces of `parallel_for`.
void throw_if_stopped();

/// While it lives this thread, and those that help it in `parallel_for`, also stops when `*request` turns
/// true.
class StopScope {
 public:
  explicit StopScope(const std::atomic<bool>* request) noexcept;
  ~StopScope();
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;

 private:
  const std::atomic<bool>* before_;
};
const std::atomic<bool>* stop_source() noexcept;

/// While it lives this thread asks `ask()` whether to stop, when it asks `stop_requested()` and last asked 50
/// ms ago or more; loops that it starts then stop as by a StopScope. For those who learn of a wish only by
/// looking.
class StopQuestion {
 public:
  explicit StopQuestion(std::function<bool()> ask);
  ~StopQuestion();
  StopQuestion(const StopQuestion&) = delete;
  StopQuestion& operator=(const StopQuestion&) = delete;

  bool is_stopped() noexcept;

 private:
  std::function<bool()> ask_;
  std::chrono::steady_clock::time_point next_;
  std::atomic<bool> answer_{false};
  StopScope scope_{&answer_};
  StopQuestion* before_;
};

/// SIGINT and SIGTERM: the first requests a stop, the second ends the process at once with exit code 130.
/// Only the command line calls this; a library leaves signals alone.
void install_interrupt_handler();

}  // namespace mq
