#include "meltquench/python/watch.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"

namespace mq::python {
namespace {

/// Keeps the newest state for the thread that may call Python.
class Mailbox final : public ProgressSink {
 public:
  void update(const ProgressState& state) override {
    const std::lock_guard lock(mutex_);
    state_ = state;
  }
  std::optional<ProgressState> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(state_, std::nullopt);
  }
  void close(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    error_ = std::move(error);
    is_closed_ = true;
    changed_.notify_all();
  }
  bool wait_closed(std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, at_most, [&] { return is_closed_; });
  }
  std::exception_ptr error() const { return error_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<ProgressState> state_;
  std::exception_ptr error_;
  bool is_closed_ = false;
};

void look_at_python(const py::object& progress, Mailbox& mailbox) {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  const std::optional<ProgressState> state = mailbox.take();
  if (state && !progress.is_none()) progress(state->task, state->done, state->total);
}

}  // namespace

void SignalWatch::rethrow() {
  if (!error_) return;
  py::error_already_set error(std::move(*error_));
  error_.reset();
  throw error;
}

bool SignalWatch::look() {
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() == 0) return false;
  error_.emplace();
  return true;
}

void run_watched(const py::object& progress, const std::function<void(ProgressSink&)>& work) {
  Mailbox mailbox;
  std::atomic<bool> is_to_stop = false;  // this work, and not that of other threads
  std::optional<py::error_already_set> from_python;
  std::thread worker = start_thread(1, 1, [&] {
    const StopScope scope(&is_to_stop);
    std::exception_ptr error;
    try {
      work(mailbox);
    } catch (...) {
      error = std::current_exception();
    }
    mailbox.close(error);
  });
  for (bool is_done = false; !is_done;) {
    {
      const py::gil_scoped_release release;
      is_done = mailbox.wait_closed(std::chrono::milliseconds(50));
    }
    try {
      look_at_python(progress, mailbox);
    } catch (py::error_already_set& error) {
      if (!from_python) from_python.emplace(std::move(error));
      is_to_stop = true;
    }
  }
  worker.join();
  if (from_python) throw py::error_already_set(std::move(*from_python));
  if (mailbox.error() != nullptr) std::rethrow_exception(mailbox.error());
}

}  // namespace mq::python
