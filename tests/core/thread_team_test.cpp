/// Loops on several threads: every piece once, exceptions, nesting, fork, stops, refused threads.
#include "meltquench/core/thread_team.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {

std::int64_t sum_of_squares(int threads, std::int64_t size) {
  std::atomic<std::int64_t> sum = 0;
  parallel_for(threads, size, [&](std::int64_t i) { sum += i * i; });
  return sum;
}
std::int64_t expected_sum(std::int64_t size) { return (size - 1) * size * (2 * size - 1) / 6; }

#if defined(__SANITIZE_THREAD__)
constexpr bool kForks = false;
#elif defined(__has_feature)
constexpr bool kForks = !__has_feature(thread_sanitizer);
#else
constexpr bool kForks = true;
#endif
#define SKIP_WITHOUT_FORK() \
  if (!kForks) GTEST_SKIP() << "the thread sanitizer does not follow threads through a fork"

/// Runs in a child process, which a hang ends after 20 s; returns its exit code, or -1 where a signal ended
/// it.
template <class F>
int in_child(const F& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ThreadTeam, EveryPieceRunsOnceForAnySizeAndNumberOfThreads) {
  for (const int threads : {1, 2, 3, 8, 33}) {
    for (const std::int64_t size : {0, 1, 2, 7, 64, 1001}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(size));
      std::atomic<bool> is_worker_in_range = true;
      parallel_ranges(threads, size, [&](std::int64_t first, std::int64_t last, int worker) {
        if (worker < 0 || worker >= threads || first >= last) is_worker_in_range = false;
        for (std::int64_t i = first; i < last; ++i) ++runs[static_cast<std::size_t>(i)];
      });
      EXPECT_TRUE(is_worker_in_range);
      for (const auto& count : runs) ASSERT_EQ(count, 1) << threads << " threads, size " << size;
    }
  }
}

TEST(ThreadTeam, ManyShortLoopsAddUp) {
  for (int round = 0; round < 3000; ++round) {
    const std::int64_t size = 1 + round % 50;
    ASSERT_EQ(sum_of_squares(2 + round % 3, size), expected_sum(size));
  }
}

TEST(ThreadTeam, AWorkerNumberIsNeverSharedByTwoAtOnce) {
  std::vector<std::int64_t> plain(4, 0);  // a race here is one for the thread sanitizer
  parallel_ranges(4, 10000, [&](std::int64_t first, std::int64_t last, int worker) {
    plain[static_cast<std::size_t>(worker)] += last - first;
  });
  EXPECT_EQ(std::accumulate(plain.begin(), plain.end(), std::int64_t(0)), 10000);
}

TEST(ThreadTeam, TheErrorOfTheLowestPieceIsThrownWhateverTheThreads) {
  for (const int threads : {1, 2, 4, 16}) {
    for (int round = 0; round < 50; ++round) {
      try {
        parallel_for(threads, 500, [](std::int64_t i) {
          if (i >= 130 && i % 7 == 0) throw StateError(std::to_string(i));
        });
        FAIL() << "nothing was thrown";
      } catch (const StateError& error) {
        ASSERT_STREQ(error.what(), "133");
      }
    }
  }
  EXPECT_EQ(sum_of_squares(4, 100), expected_sum(100));  // and the team works on
}

TEST(ThreadTeam, ALoopInsideALoopRunsOnItsThread) {
  std::atomic<std::int64_t> sum = 0;
  std::atomic<bool> has_left = false;
  parallel_for(3, 20, [&](std::int64_t) {
    const std::thread::id here = std::this_thread::get_id();
    parallel_for(3, 10, [&](std::int64_t i) {
      if (std::this_thread::get_id() != here) has_left = true;
      sum += i;
    });
  });
  EXPECT_EQ(sum, 20 * 45);
  EXPECT_FALSE(has_left);
}

TEST(ThreadTeam, SeveralThreadsHaveTeamsOfTheirOwn) {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) wrong += sum_of_squares(3, 300) != expected_sum(300);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadTeam, AChildAfterForkComputesOnThreadsAndSoDoesItsChild) {
  SKIP_WITHOUT_FORK();
  ASSERT_EQ(sum_of_squares(4, 1000), expected_sum(1000));
  const auto sum_is_right = [] { return sum_of_squares(4, 1000) == expected_sum(1000) ? 0 : 1; };
  for (int round = 0; round < 20; ++round) ASSERT_EQ(in_child(sum_is_right), 0);
  EXPECT_EQ(in_child([&] { return sum_is_right() + in_child(sum_is_right); }), 0);
  EXPECT_EQ(in_child([&] {
              const int wrong = sum_is_right();
              std::exit(wrong);  // ends with the destructors of what was before the fork
              return 1;
            }),
            0);
  EXPECT_EQ(sum_of_squares(4, 1000), expected_sum(1000));
}

TEST(ThreadTeam, AnotherThreadMayBeInALoopAtTheFork) {
  SKIP_WITHOUT_FORK();
  std::atomic<bool> is_over = false;
  std::thread busy([&] {
    while (!is_over) sum_of_squares(3, 1000);
  });
  for (int round = 0; round < 20; ++round) {
    EXPECT_EQ(in_child([] { return sum_of_squares(4, 1000) == expected_sum(1000) ? 0 : 1; }), 0);
  }
  is_over = true;
  busy.join();
}

TEST(ThreadTeam, AThreadThatIsRefusedIsAnErrorAndNotSilence) {
  SKIP_WITHOUT_FORK();
  const int code = in_child([] {
    struct rlimit none {
      1, 1
    };
    if (::setuid(65534) != 0 || ::setrlimit(RLIMIT_NPROC, &none) != 0) return 77;
    try {
      sum_of_squares(64, 1000);
    } catch (const ResourceError& error) {
      const std::string sentence = error.what();
      return sentence.find(" of 64 cannot be created") != std::string::npos ? 0 : 2;
    }
    return 1;
  });
  if (code == 77) GTEST_SKIP() << "needs a user whose threads can be limited";
  EXPECT_EQ(code, 0);
}

TEST(ThreadTeam, AStopOfTheCallerReachesThoseWhoHelp) {
  std::atomic<bool> stop = false;
  const StopScope scope(&stop);
  std::atomic<int> begun = 0;
  const auto loop = [&] {
    parallel_for(3, 100000, [&](std::int64_t) {
      if (++begun == 100) stop = true;
      throw_if_stopped();
    });
  };
  EXPECT_THROW(loop(), Interrupted);
  EXPECT_LT(begun, 1000);
  EXPECT_TRUE(stop_requested());
  std::thread([] { EXPECT_FALSE(stop_requested()); }).join();  // others go on
}

TEST(ThreadTeam, WaitingThreadsSleep) {
  sum_of_squares(4, 1000);
  const auto cpu = [] {
    timespec now{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
  };
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const double before = cpu();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpu() - before, 0.05);  // three that wait awake would take 0.6 s on two cores
}

}  // namespace
}  // namespace mq
