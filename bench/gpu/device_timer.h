/// Time that a CUDA device needs for a call, by events on the stream.
#pragma once

#include <functional>

namespace mq {

/// Name, compute capability and multiprocessors of device 0 in a sentence. Throws BackendUnavailable without
/// one.
const char* describe_device();

/// Seconds per call: median over repeats, each of so many calls that events can tell. `call` gets the number
/// of the call, so that it can take turns among inputs, and must leave its work on the default stream.
double device_seconds(const std::function<void(int)>& call);

}  // namespace mq
