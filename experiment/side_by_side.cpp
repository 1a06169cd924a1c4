#include "meltquench/experiment/side_by_side.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"

namespace mq {

void side_by_side(const Exec& exec, std::size_t count, const PieceOfWork& work) {
  if (count == 0) return;
  const auto at_once = std::min(count, static_cast<std::size_t>(std::max(1, exec.threads)));
  Exec alone = exec;
  alone.threads = std::max(1, exec.threads / static_cast<int>(at_once));
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> has_failed = false;
  std::mutex failure_mutex;
  std::exception_ptr failure;
  const auto is_in_vain = [&] { return has_failed.load() || stop_requested(); };
  const auto keep_failure = [&] {
    const std::lock_guard lock(failure_mutex);
    if (!has_failed.exchange(true)) failure = std::current_exception();
  };
  const auto run = [&] {
    for (std::size_t i = next++; i < count && !is_in_vain(); i = next++) {
      try {
        work(alone, i, is_in_vain);
      } catch (...) {
        keep_failure();
      }
    }
  };
  std::vector<std::thread> others;
  try {
    for (std::size_t i = 1; i < at_once; ++i) {
      others.push_back(
          start_thread(static_cast<int>(i + 1), static_cast<int>(at_once), [&run, stop = stop_source()] {
            const StopScope scope(stop);
            run();
          }));
    }
  } catch (...) {
    keep_failure();  // those that have begun end with their piece
  }
  run();
  for (std::thread& other : others) other.join();
  if (failure != nullptr) std::rethrow_exception(failure);
}

}  // namespace mq
