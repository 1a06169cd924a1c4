#include "meltquench/core/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "meltquench/core/error.h"

namespace mq {
namespace {

std::atomic<bool> stop_flag{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void on_interrupt(int) {
  if (stop_flag.exchange(true)) ::_exit(130);
}

}  // namespace

void request_stop() noexcept { stop_flag.store(true); }
bool stop_requested() noexcept { return stop_flag.load(std::memory_order_relaxed); }
void clear_stop_request() noexcept { stop_flag.store(false); }

void throw_if_stopped() {
  if (stop_requested()) throw Interrupted("stopped on request; what was finished before is kept");
}

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // writing a file goes on; the loops ask for the flag
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace mq
