/// Long work under the eyes of Python: progress, Ctrl-C, and the GIL free for other threads.
#pragma once

#include <functional>
#include <optional>
#include <type_traits>

#include "meltquench/core/error.h"
#include "meltquench/core/progress.h"
#include "meltquench/core/stop.h"
#include "meltquench/python/bindings.h"

namespace mq::python {

/// Runs `work` on a thread of its own while the caller, who holds the GIL, lets go of it, wakes up twenty
/// times a second, looks for Ctrl-C and calls `progress(task, done, total)` unless that is None. So Python
/// code always runs on the caller's thread. What Python throws (KeyboardInterrupt, or an error of the
/// callback) stops the work at its next safe point and is thrown on; what `work` throws is thrown on.
void run_watched(const py::object& progress, const std::function<void(ProgressSink&)>& work);

/// Looks for Ctrl-C when the work of this thread asks whether to stop.
class SignalWatch {
 public:
  /// With the GIL: throws what a handler of signals has thrown, if any has.
  void rethrow();

 private:
  bool look();
  std::optional<py::error_already_set> error_;
  StopQuestion question_{[this] { return look(); }};
};

/// Runs `work` on this thread without the GIL. KeyboardInterrupt, or what else a handler of signals throws,
/// ends it at its next safe point and is thrown.
template <class F>
auto run_interruptible(F&& work) {
  SignalWatch watch;
  const auto without_gil = [&] {
    const py::gil_scoped_release release;
    return work();
  };
  try {
    if constexpr (std::is_void_v<decltype(work())>) {
      without_gil();
      watch.rethrow();
    } else {
      auto result = without_gil();
      watch.rethrow();
      return result;
    }
  } catch (const Interrupted&) {
    watch.rethrow();
    throw;
  }
}

}  // namespace mq::python
