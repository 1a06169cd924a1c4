#include "meltquench/core/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <utility>

#include "meltquench/core/error.h"

namespace mq {
namespace {

std::atomic<bool> stop_flag{false};
thread_local const std::atomic<bool>* own_request = nullptr;
thread_local StopQuestion* own_question = nullptr;
constexpr std::chrono::milliseconds kAsksEvery{50};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void on_interrupt(int) {
  if (stop_flag.exchange(true)) ::_exit(130);
}

}  // namespace

void request_stop() noexcept { stop_flag.store(true); }
bool stop_requested() noexcept {
  return stop_flag.load(std::memory_order_relaxed) ||
         (own_question != nullptr && own_question->is_stopped()) ||
         (own_request != nullptr && own_request->load(std::memory_order_relaxed));
}
void clear_stop_request() noexcept { stop_flag.store(false); }

void throw_if_stopped() {
  if (stop_requested()) throw Interrupted("stopped on request; what was finished before is kept");
}

StopScope::StopScope(const std::atomic<bool>* request) noexcept
    : before_(std::exchange(own_request, request)) {}
StopScope::~StopScope() { own_request = before_; }
const std::atomic<bool>* stop_source() noexcept { return own_request; }

StopQuestion::StopQuestion(std::function<bool()> ask)
    : ask_(std::move(ask)),
      next_(std::chrono::steady_clock::now() + kAsksEvery),
      before_(std::exchange(own_question, this)) {}
StopQuestion::~StopQuestion() { own_question = before_; }

bool StopQuestion::is_stopped() noexcept {
  if (answer_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return false;
  if (ask_()) answer_ = true;
  next_ = std::chrono::steady_clock::now() + kAsksEvery;
  return answer_;
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
