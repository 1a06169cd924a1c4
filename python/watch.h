/// Long work under the eyes of Python: progress, Ctrl-C, and the GIL free for other threads.
#pragma once

#include <functional>

#include "meltquench/core/progress.h"
#include "meltquench/python/bindings.h"

namespace mq::python {

/// Runs `work` on a thread of its own while the caller, who holds the GIL, lets go of it, wakes up twenty
/// times a second, looks for Ctrl-C and calls `progress(task, done, total)` unless that is None. So Python
/// code always runs on the caller's thread. What Python throws (KeyboardInterrupt, or an error of the
/// callback) stops the work at its next safe point and is thrown on; what `work` throws is thrown on.
void run_watched(const py::object& progress, const std::function<void(ProgressSink&)>& work);

}  // namespace mq::python
