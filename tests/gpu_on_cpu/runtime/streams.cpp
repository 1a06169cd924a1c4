/// Streams and events: work that is submitted, what it waits for, and when it is done.
///
/// Work is a graph. What must come first: the work before in the same stream, the events that the stream
/// waits for, and for the legacy default stream all work of the others that do not opt out (CUDA C++
/// Programming Guide 13.0, "Default Stream"). Any order that respects the graph may happen on a GPU.
#include <map>
#include <utility>
#include <vector>

#include "device.h"

namespace {

using Ticket = std::uint64_t;  // of a piece of work; 0: none

struct Work {
  std::function<void()> run;
  std::vector<Ticket> after;
};

}  // namespace

struct CUstream_st {
  Ticket last = 0;
  bool waits_for_default = true;
};
struct CUevent_st {
  Ticket recorded = 0;
};

namespace on_cpu {
namespace {

struct Schedule {
  std::map<Ticket, Work> pending;
  Ticket newest = 0;
  CUstream_st default_stream;
  std::vector<cudaStream_t> streams;  // without the default one
  std::uint64_t order = 0, random = 0;

  std::uint64_t draw() {  // xorshift64: which piece of work runs is no matter of quality
    random ^= random << 13;
    random ^= random >> 7;
    return random ^= random << 17;
  }
};

Schedule& schedule() {
  static Schedule the_schedule;
  return the_schedule;
}

void finish(Ticket ticket) {
  const auto at = schedule().pending.find(ticket);
  if (at == schedule().pending.end()) return;
  const Work work = std::move(at->second);
  schedule().pending.erase(at);
  for (const Ticket earlier : work.after) finish(earlier);
  work.run();
}

void finish_any() {
  auto at = schedule().pending.begin();
  std::advance(at, static_cast<std::ptrdiff_t>(schedule().draw() % schedule().pending.size()));
  finish(at->first);
}

CUstream_st& stream_behind(cudaStream_t stream) {
  return stream != nullptr && stream != cudaStreamLegacy ? *stream : schedule().default_stream;
}

Ticket submit_after(cudaStream_t to, Ticket event, std::function<void()> work) {
  Schedule& all = schedule();
  CUstream_st& stream = stream_behind(to);
  Work next{std::move(work), {stream.last, event}};
  if (&stream == &all.default_stream) {
    for (const cudaStream_t other : all.streams) {
      if (other->waits_for_default) next.after.push_back(other->last);
    }
  } else if (stream.waits_for_default) {
    next.after.push_back(all.default_stream.last);
  }
  const Ticket ticket = stream.last = ++all.newest;
  all.pending[ticket] = std::move(next);
  if (all.order == 0) {
    finish(ticket);
  } else if (all.draw() % 4 == 0) {
    finish_any();
  }
  return ticket;
}

void do_nothing() {}

}  // namespace

void set_stream_order(std::uint64_t seed) {
  finish_all();
  schedule().order = seed;
  schedule().random = seed * 0x9e3779b97f4a7c15u;
}

void submit(cudaStream_t stream, std::function<void()> work) { submit_after(stream, 0, std::move(work)); }

void finish_all() {
  while (!schedule().pending.empty()) finish_any();
}

}  // namespace on_cpu

using namespace on_cpu;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if (report(cudaSuccess) != cudaSuccess) return device().sticky;
  *stream = new CUstream_st{.waits_for_default = flags != cudaStreamNonBlocking};
  schedule().streams.push_back(*stream);
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (std::erase(schedule().streams, stream) == 0) return report(cudaErrorInvalidResourceHandle);
  finish(stream->last);
  delete stream;
  return report(cudaSuccess);
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  finish(submit_after(stream, 0, do_nothing));
  return report(cudaSuccess);
}

cudaError_t cudaDeviceSynchronize() {
  finish_all();
  return report(cudaSuccess);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return report(cudaSuccess);
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return report(cudaSuccess);
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event->recorded = submit_after(stream, 0, do_nothing);
  return report(cudaSuccess);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  finish(event->recorded);
  return report(cudaSuccess);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  submit_after(stream, event->recorded, do_nothing);
  return report(cudaSuccess);
}

}  // extern "C"
