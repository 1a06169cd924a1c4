#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <new>

// The public boost::context::fiber jumps once more when it is made, and behind the sanitizers' backs.
#include <boost/context/detail/fcontext.hpp>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(MQ_THREAD_SANITIZER)
// From <sanitizer/tsan_interface.h>, which g++ 12 does not install.
extern "C" {
void* __tsan_get_current_fiber();
void* __tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void* fiber);
void __tsan_switch_to_fiber(void* fiber, unsigned flags);
void __tsan_acquire(void* clock);
void __tsan_release(void* clock);
}
constexpr unsigned kWithoutOrder = 1;  // a switch alone orders nothing
#endif

namespace on_cpu {
namespace {

namespace boost_context = boost::context::detail;

constexpr std::size_t kStack =
    256 * 1024;  // touched pages cost memory, not this; sanitizers make frames large

}  // namespace

struct Fiber::Context {
  unsigned char* stack = nullptr;  // the guard page, then kStack bytes
  boost_context::fcontext_t fiber = nullptr, scheduler = nullptr;
  Body body = nullptr;
  bool has_ended = false;
#if defined(__SANITIZE_ADDRESS__)
  void *fiber_frames = nullptr, *scheduler_frames = nullptr;
  const void* scheduler_stack = nullptr;
  std::size_t scheduler_stack_size = 0;
#endif
#if defined(MQ_THREAD_SANITIZER)
  void *own = nullptr, *scheduler_thread = nullptr;
#endif

  static std::size_t guard() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

  /// Side of the scheduler.
  void enter() {
#if defined(MQ_THREAD_SANITIZER)
    scheduler_thread = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(own, kWithoutOrder);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&scheduler_frames, stack + guard(), kStack);
#endif
    fiber = boost_context::jump_fcontext(fiber, this).fctx;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(scheduler_frames, nullptr, nullptr);
#endif
  }

  /// Side of the fiber.
  void arrive(boost_context::fcontext_t from) {
    scheduler = from;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(fiber_frames, &scheduler_stack, &scheduler_stack_size);
#endif
  }
  void leave() {
#if defined(MQ_THREAD_SANITIZER)
    __tsan_switch_to_fiber(scheduler_thread, kWithoutOrder);
#endif
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(has_ended ? nullptr : &fiber_frames, scheduler_stack,
                                   scheduler_stack_size);
#endif
    arrive(boost_context::jump_fcontext(scheduler, nullptr).fctx);
  }

  static void run(boost_context::transfer_t from) {
    Context& context = *static_cast<Context*>(from.data);
    context.arrive(from.fctx);
    context.body();
    context.has_ended = true;
    context.leave();
  }
};

Fiber::Fiber() {
  auto context = std::make_unique<Context>();
  void* memory = mmap(nullptr, Context::guard() + kStack, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, Context::guard(), PROT_NONE);
  context->stack = static_cast<unsigned char*>(memory);
#if defined(MQ_THREAD_SANITIZER)
  context->own = __tsan_create_fiber(0);
#endif
  context_ = context.release();
}

Fiber::~Fiber() {
#if defined(MQ_THREAD_SANITIZER)
  __tsan_destroy_fiber(context_->own);
#endif
  munmap(context_->stack, Context::guard() + kStack);
  delete context_;
}

void Fiber::resume(Body body) {
  if (!is_started_) {
    context_->body = body;
    context_->has_ended = false;
#if defined(__SANITIZE_ADDRESS__)
    context_->fiber_frames = nullptr;
#endif
    context_->fiber =
        boost_context::make_fcontext(context_->stack + Context::guard() + kStack, kStack, Context::run);
    is_started_ = true;
  }
  context_->enter();
  if (context_->has_ended) is_started_ = false;
}

void Fiber::pause() { context_->leave(); }

#if defined(MQ_THREAD_SANITIZER)

void Fiber::release(void* clock) {
  void* scheduler = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(context_->own, kWithoutOrder);
  __tsan_release(clock);
  __tsan_switch_to_fiber(scheduler, kWithoutOrder);
}
void Fiber::acquire(void* clock) {
  void* scheduler = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(context_->own, kWithoutOrder);
  __tsan_acquire(clock);
  __tsan_switch_to_fiber(scheduler, kWithoutOrder);
}
void release_from_scheduler(void* clock) { __tsan_release(clock); }
void acquire_in_scheduler(void* clock) { __tsan_acquire(clock); }

#else

void Fiber::release(void*) {}
void Fiber::acquire(void*) {}
void release_from_scheduler(void*) {}
void acquire_in_scheduler(void*) {}

#endif

}  // namespace on_cpu
