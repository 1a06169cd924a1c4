#include "meltquench/core/thread_team.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/exec.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {

using Clock = std::chrono::steady_clock;
using thread_team_detail::Piece;

constexpr std::int64_t kNowhere = std::numeric_limits<std::int64_t>::max();
constexpr int kPiecesPerThread = 4;  // so that others can take over what a thread does not come to
constexpr std::chrono::microseconds kPatience{50};      // of waiting awake, more than most serial parts take
constexpr std::chrono::microseconds kLostTheCore{500};  // between two looks: another process had the core
constexpr int kWaitsAsleep = 1000;                      // after the core was lost

std::atomic<std::uint64_t> forks{0};
thread_local bool is_inside = false;  // of a piece of work

void count_forks() {
  static std::once_flag once;
  std::call_once(once, [] { ::pthread_atfork(nullptr, nullptr, [] { ++forks; }); });
}

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Waits until a number changes: awake at first, unless that has lately cost others the core.
class Patience {
 public:
  std::uint32_t wait(const std::atomic<std::uint32_t>& number, std::uint32_t old, bool may_spin) {
    if (waits_asleep_ > 0) {
      --waits_asleep_;
    } else if (may_spin) {
      spin(number, old);
    }
    number.wait(old, std::memory_order_acquire);
    return number.load(std::memory_order_acquire);
  }

 private:
  void spin(const std::atomic<std::uint32_t>& number, std::uint32_t old) {
    const Clock::time_point begin = Clock::now();
    for (Clock::time_point last = begin; number.load(std::memory_order_acquire) == old;) {
      for (int i = 0; i < 16; ++i) pause();
      const Clock::time_point now = Clock::now();
      if (now - last > kLostTheCore) waits_asleep_ = kWaitsAsleep;
      if (now - begin > kPatience) return;
      last = now;
    }
  }

  int waits_asleep_ = 0;
};

struct Loop {
  std::int64_t size = 0;
  int threads = 0;
  Piece piece = nullptr;
  const void* body = nullptr;
  const std::atomic<bool>* stop = nullptr;
};

/// What is left of one thread's share; in a cache line of its own.
struct alignas(64) Share {
  std::atomic<std::int64_t> next{0};
  std::int64_t end = 0;
};

class Team {
 public:
  Team() : born_after_(forks) {}
  ~Team() {
    is_over_ = true;
    summon();
    for (std::thread& worker : workers_) worker.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  bool is_of_this_process() const { return born_after_ == forks; }
  void run(const Loop& loop);

  Team* lost_before = nullptr;  // see OwnTeam

 private:
  static constexpr std::uint32_t kOpen = 1, kOne = 2;  // of state_: a bit, and the count of those inside

  void reserve(int threads);
  void share_out(const Loop& loop);
  void live(int worker, std::uint32_t seen);
  bool enter();
  void leave();
  void take_part(int worker);
  void take_share(Share& share, int worker);
  void keep_error(std::int64_t at);
  void summon() {
    signal_.fetch_add(1, std::memory_order_release);
    signal_.notify_all();
  }

  const std::uint64_t born_after_;
  std::atomic<std::uint32_t> signal_{0};  // changes when there is something to do
  std::atomic<std::uint32_t> state_{0};
  std::atomic<bool> is_over_{false}, may_spin_{true};
  Loop loop_;  // this and the shares are written while nobody is inside
  std::int64_t grain_ = 1;
  std::unique_ptr<Share[]> shares_;
  int share_count_ = 0;
  Patience patience_;
  std::mutex error_mutex_;
  std::exception_ptr error_;
  std::atomic<std::int64_t> failed_at_{kNowhere};  // where the piece of this error begins
  std::vector<std::thread> workers_;
};

void Team::reserve(int threads) {
  if (share_count_ < threads) {
    shares_ = std::make_unique<Share[]>(static_cast<std::size_t>(threads));
    share_count_ = threads;
    may_spin_ = threads <= available_threads();
  }
  for (int number = static_cast<int>(workers_.size()) + 1; number < threads; ++number) {
    const std::uint32_t seen = signal_;
    workers_.push_back(start_thread(number + 1, threads, [this, number, seen] { live(number, seen); }));
  }
}

void Team::share_out(const Loop& loop) {
  loop_ = loop;
  grain_ = std::max<std::int64_t>(1, loop.size / (std::int64_t(loop.threads) * kPiecesPerThread));
  for (int t = 0; t < loop.threads; ++t) {
    Share& share = shares_[static_cast<std::size_t>(t)];
    share.next.store(loop.size * t / loop.threads, std::memory_order_relaxed);
    share.end = loop.size * (t + 1) / loop.threads;
  }
  failed_at_ = kNowhere;
}

void Team::run(const Loop& loop) {
  reserve(loop.threads);
  share_out(loop);
  state_.store(kOpen, std::memory_order_release);
  summon();
  is_inside = true;
  take_part(0);
  is_inside = false;
  // Who has not come by now need not come; those inside are waited for.
  std::uint32_t state = state_.fetch_and(~kOpen, std::memory_order_acq_rel) & ~kOpen;
  while (state != 0) state = patience_.wait(state_, state, may_spin_);
  if (failed_at_ != kNowhere) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Team::live(int worker, std::uint32_t seen) {
  is_inside = true;
  for (Patience patience;;) {
    seen = patience.wait(signal_, seen, may_spin_);
    if (is_over_) return;
    if (!enter()) continue;
    if (worker < loop_.threads) {
      const StopScope scope(loop_.stop);
      take_part(worker);
    }
    leave();
  }
}

bool Team::enter() {
  std::uint32_t state = state_.load(std::memory_order_acquire);
  while ((state & kOpen) != 0) {
    if (state_.compare_exchange_weak(state, state + kOne, std::memory_order_acq_rel)) return true;
  }
  return false;
}

void Team::leave() {
  if (state_.fetch_sub(kOne, std::memory_order_acq_rel) == kOne) state_.notify_one();  // closed, and the last
}

/// The own share first, whose data may still be near; then what others have not come to.
void Team::take_part(int worker) {
  for (int t = 0; t < loop_.threads; ++t) {
    take_share(shares_[static_cast<std::size_t>((worker + t) % loop_.threads)], worker);
  }
}

void Team::take_share(Share& share, int worker) {
  while (share.next.load(std::memory_order_relaxed) < share.end) {
    const std::int64_t first = share.next.fetch_add(grain_, std::memory_order_relaxed);
    if (first >= share.end) return;
    if (first > failed_at_.load(std::memory_order_relaxed)) continue;
    try {
      loop_.piece(loop_.body, first, std::min(first + grain_, share.end), worker);
    } catch (...) {
      keep_error(first);
    }
  }
}

void Team::keep_error(std::int64_t at) {
  const std::lock_guard lock(error_mutex_);
  if (at >= failed_at_) return;
  error_ = std::current_exception();
  failed_at_ = at;
}

/// The team of this thread. After a fork the threads of a team are those of the other process: nothing of it
/// may be touched, nor is it ever given back. A list keeps it in sight of those who look for leaks.
class OwnTeam {
 public:
  ~OwnTeam() { forget_if_lost(); }
  Team& get() {
    forget_if_lost();
    if (team_ == nullptr) {
      count_forks();
      team_ = std::make_unique<Team>();
    }
    return *team_;
  }

 private:
  void forget_if_lost() {
    if (team_ == nullptr || team_->is_of_this_process()) return;
    static std::atomic<Team*> lost{nullptr};
    Team* const team = team_.release();
    team->lost_before = lost.exchange(team);
  }

  std::unique_ptr<Team> team_;
};

}  // namespace

void thread_team_detail::run(int threads, std::int64_t size, Piece piece, const void* body) {
  if (is_inside) {
    piece(body, 0, size, 0);
    return;
  }
  const int useful = static_cast<int>(std::min<std::int64_t>(threads, size));
  thread_local OwnTeam team;
  team.get().run({size, useful, piece, body, stop_source()});
}

std::thread start_thread(int number, int wanted, std::function<void()> work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& error) {
    throw ResourceError(
        "thread " + std::to_string(number) + " of " + std::to_string(wanted) + " cannot be created (" +
        error.code().message() +
        "): the system or a container limits the threads of a user (ulimit -u, pids.max); use "
        "fewer (--threads in the command line, threads= in Python) or raise the limit");
  }
}

}  // namespace mq
