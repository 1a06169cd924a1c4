#include "block.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <numeric>
#include <string_view>
#include <vector>

#include "fiber.h"
#include "threads.h"

namespace on_cpu {
namespace {

#if defined(MQ_THREAD_SANITIZER)
// Threads that share a stack would seem to race for it, and would seem to be in order.
constexpr bool kThreadsShareFibers = false;
#else
constexpr bool kThreadsShareFibers = true;
#endif

/// Thrown through a kernel that a finding has stopped, so that its fibers can be used again.
struct Stopped {};

const Launch* grid = nullptr;
Block block;
RunQueue run_queue;
Thread* running = nullptr;
Fiber* running_fiber = nullptr;
Thread* next = nullptr;  // chosen on a fiber, for the scheduler to resume
bool is_stopped = false;
std::string finding;

// What the thread sanitizer hangs orders on: start and end of a block, its barrier, and a clock for each
// lane, used by the operations whose lowest lane it is. Barriers release and acquire for all threads when the
// last one has come: if each did so for itself, one that is already at the next barrier would leak an order
// that does not exist.
char start_clock, end_clock, barrier_clock, lane_clocks[kMaxThreads];

// Stacks stay for the next block.
std::vector<std::unique_ptr<Fiber>> fibers;
std::vector<Fiber*> idle_fibers, ended_fibers;

Fiber* take_fiber() {
  if (idle_fibers.empty()) {
    fibers.push_back(std::make_unique<Fiber>());
    return fibers.back().get();
  }
  Fiber* fiber = idle_fibers.back();
  idle_fibers.pop_back();
  return fiber;
}

void stop(const std::string& sentence) {
  if (is_stopped) return;
  is_stopped = true;
  finding = "kernel " + std::string(grid->kernel) + ", block " + text(blockIdx.x, blockIdx.y, blockIdx.z) +
            ": " + sentence;
}

void run_thread(Thread& t) {
  running = &t;
  threadIdx = t.index;
  try {
    grid->thread(grid->context);
  } catch (const Stopped&) {
  }
  t.state = State::ended;
  t.fiber = nullptr;
  ++block.ended;
  Warp& warp = block.warp_of(t);
  const std::uint32_t bit = 1u << t.number % kWarp;
  warp.ended |= bit;
  for (unsigned i = 0; warp.waiting > 0 && i < kWarp; ++i) {
    const Thread& other = warp.lanes[i];
    if ((warp.exists >> i & 1) != 0 && other.state == State::at_warp_operation && (other.mask & bit) != 0) {
      stop(sentence_on_missing_lanes(other, bit, warp));
    }
  }
}

/// What a fiber does: thread after thread, until one is next that already has a fiber.
void run_threads() {
  do {
    Thread& t = *next;
    next = nullptr;
    run_thread(t);
    if (is_stopped || run_queue.is_empty()) return;
    next = &run_queue.pop();
  } while (kThreadsShareFibers && next->fiber == nullptr);
}

void resume(Thread& t) {
  next = nullptr;
  running_fiber = t.fiber;
  if (t.fiber == nullptr) {
    running_fiber = take_fiber();
    running_fiber->acquire(&start_clock);
    next = &t;
  }
  running = &t;
  threadIdx = t.index;
  Fiber& fiber = *running_fiber;
  fiber.resume(run_threads);
  if (fiber.is_started()) return;
  fiber.release(&end_clock);
  (kThreadsShareFibers ? idle_fibers : ended_fibers).push_back(&fiber);
}

/// On a fiber: lets others run until this thread may go on.
void wait(State state) {
  Thread& me = *running;
  me.state = state;
  me.fiber = running_fiber;
  me.fiber->pause();
  if (is_stopped) throw Stopped();
}

void make_runnable(Thread& t) {
  t.state = State::runnable;
  run_queue.push(t);
}

/// Lets those go on that wait for the same as `t`, if all of its mask are there.
void complete_warp_operation(const Thread& t) {
  Warp& warp = block.warp_of(t);
  const std::uint32_t mask = t.mask;
  void* mine[kWarp] = {};
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    const Thread& other = warp.lanes[lane];
    if (other.state != State::at_warp_operation || other.mask != mask ||
        other.warp_operation != t.warp_operation) {
      return;
    }
    mine[lane] = other.mine;
  }
  const char* sentence = t.warp_operation->combine(mine, mask);
  if (sentence != nullptr) return stop(place_of(t) + " with mask " + text_of_mask(mask) + ": " + sentence);
  warp.waiting -= static_cast<unsigned>(std::popcount(mask));
  void* clock = &lane_clocks[warp.lanes[std::countr_zero(mask)].number];
  const bool orders_memory = t.warp_operation->orders_memory;
  for (std::uint32_t rest = mask; orders_memory && rest != 0; rest &= rest - 1) {
    warp.lanes[std::countr_zero(rest)].fiber->release(clock);
  }
  for (std::uint32_t rest = mask; rest != 0; rest &= rest - 1) {
    Thread& other = warp.lanes[std::countr_zero(rest)];
    if (orders_memory) other.fiber->acquire(clock);
    make_runnable(other);
  }
}

bool are_at_one_barrier(const Thread& a, const Thread& b) {
  return a.vote == b.vote && a.where.line() == b.where.line() &&
         std::string_view(a.where.file_name()) == b.where.file_name();
}

void complete_barrier() {
  const Thread& first = block.threads[0];
  int result = 0;
  for (unsigned i = 0; i < block.size; ++i) {
    const Thread& t = block.threads[i];
    if (!are_at_one_barrier(first, t)) return stop(sentence_on_two_barriers(first, t));
    result += t.value;
  }
  if (first.vote == Vote::none) result = 0;
  if (first.vote == Vote::any) result = result > 0;
  if (first.vote == Vote::all) result = result == static_cast<int>(block.size);
  block.at_barrier = 0;
  for (unsigned i = 0; i < block.size; ++i) block.threads[i].fiber->release(&barrier_clock);
  for (unsigned i = 0; i < block.size; ++i) {
    Thread& t = block.threads[i];
    t.fiber->acquire(&barrier_clock);
    t.value = result;
    make_runnable(t);
  }
}

/// `t` has come to where it must wait.
void arrive(const Thread& t) {
  if (t.state == State::at_barrier && ++block.at_barrier == block.size) complete_barrier();
  if (t.state != State::at_warp_operation) return;
  Warp& warp = block.warp_of(t);
  ++warp.waiting;
  if ((t.mask >> t.number % kWarp & 1) == 0) return stop(sentence_on_lane_out_of_its_mask(t));
  const std::uint32_t missing = t.mask & (~warp.exists | warp.ended);
  if (missing != 0) return stop(sentence_on_missing_lanes(t, missing, warp));
  complete_warp_operation(t);
}

void set_up_block(std::uint64_t seed) {
  const dim3& size = grid->threads;
  block.size = size.x * size.y * size.z;
  block.ended = block.at_barrier = 0;
  run_queue.reset(seed);
  for (unsigned i = 0; i < block.size; ++i) {
    Thread& t = block.threads[i];
    t.number = i;
    t.index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    t.fiber = nullptr;
    make_runnable(t);
  }
  for (unsigned first = 0; first < block.size; first += kWarp) {
    const unsigned lanes = std::min(kWarp, block.size - first);
    block.warps[first / kWarp] = {~0u >> (kWarp - lanes), 0, 0, &block.threads[first]};
  }
}

void run_block(std::uint64_t seed) {
  set_up_block(seed);
  release_from_scheduler(&start_clock);
  next = nullptr;
  while (!is_stopped && (next != nullptr || !run_queue.is_empty())) {
    resume(next != nullptr ? *next : run_queue.pop());
    if (!is_stopped) arrive(*running);
  }
  if (!is_stopped && block.ended < block.size) stop(sentence_on_deadlock(block));
  for (unsigned i = 0; is_stopped && i < block.size; ++i) {
    if (block.threads[i].fiber != nullptr) resume(block.threads[i]);
  }
  acquire_in_scheduler(&end_clock);
  idle_fibers.insert(idle_fibers.end(), ended_fibers.begin(), ended_fibers.end());
  ended_fibers.clear();
}

}  // namespace

std::string run_grid(const Launch& launch, std::uint64_t seed) {
  grid = &launch;
  is_stopped = false;
  finding.clear();
  gridDim = launch.blocks;
  blockDim = launch.threads;
  const std::uint64_t blocks = std::uint64_t(gridDim.x) * gridDim.y * gridDim.z;
  // i -> (factor i + offset) mod blocks visits every block once, if factor and blocks have no divisor in
  // common.
  const std::uint64_t mixed = seed * 0x9e3779b97f4a7c15u;
  std::uint64_t factor = seed == 0 ? 1 : (mixed >> 32 | 1);
  while (std::gcd(factor, blocks) != 1) ++factor;
  for (std::uint64_t i = 0, b = mixed % blocks; i < blocks && !is_stopped; ++i, b = (b + factor) % blocks) {
    blockIdx = {static_cast<unsigned>(b % gridDim.x), static_cast<unsigned>(b / gridDim.x % gridDim.y),
                static_cast<unsigned>(b / gridDim.x / gridDim.y)};
    run_block(seed == 0 ? 0 : mixed + i);
  }
  return finding;
}

int meet_block(const char* name, Vote vote, bool value, Where where) {
  Thread& me = *running;
  me.operation = name;
  me.where = where;
  me.vote = vote;
  me.value = value;
  wait(State::at_barrier);
  return me.value;
}

void meet_warp(const WarpOperation& operation, std::uint32_t mask, void* mine, Where where) {
  Thread& me = *running;
  me.operation = operation.name;
  me.where = where;
  me.warp_operation = &operation;
  me.mask = mask;
  me.mine = mine;
  wait(State::at_warp_operation);
}

unsigned lane() { return running->number % kWarp; }

}  // namespace on_cpu
