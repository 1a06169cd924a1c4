/// Loops over independent pieces of work on several threads. Results must not depend on who does what.
///
/// Each thread that asks has a team of its own, which stays for its next loop. Threads wait for work by
/// looking for a few microseconds and then sleep, so they leave a busy machine to others; a piece that its
/// thread does not come to is done by another. A team does not survive `fork`, so a child process makes a new
/// one. Inside a loop another loop runs on the thread that meets it. The exception of a piece is thrown again
/// by the loop, that of the lowest index where several fail; pieces behind it need not be begun.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

namespace mq {
namespace thread_team_detail {

using Piece = void (*)(const void* body, std::int64_t first, std::int64_t last, int worker);
void run(int threads, std::int64_t size, Piece piece, const void* body);

}  // namespace thread_team_detail

/// body(first, last, worker) for ranges that cover [0, size). At any moment at most one range runs under a
/// number `worker`, 0 <= worker < threads: what is to be set up once per thread can be kept under it. Throws
/// ResourceError, before any piece, where the system refuses a thread.
template <class Body>
void parallel_ranges(int threads, std::int64_t size, const Body& body) {
  if (size <= 0) return;
  if (threads <= 1 || size == 1) {
    body(std::int64_t(0), size, 0);
    return;
  }
  thread_team_detail::run(
      threads, size,
      [](const void* any, std::int64_t first, std::int64_t last, int worker) {
        (*static_cast<const Body*>(any))(first, last, worker);
      },
      &body);
}

/// body(i) for i = 0 to size - 1.
template <class Body>
void parallel_for(int threads, std::int64_t size, const Body& body) {
  parallel_ranges(threads, size, [&body](std::int64_t first, std::int64_t last, int) {
    for (std::int64_t i = first; i < last; ++i) body(i);
  });
}

/// A thread for `work`, the `number`-th of `wanted`; throws ResourceError where the system refuses it.
std::thread start_thread(int number, int wanted, std::function<void()> work);

}  // namespace mq
