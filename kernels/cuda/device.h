/// CUDA devices: whether there is one, and what the runtime's error codes mean in a sentence.
///
/// Compiled twice: by nvcc as mq::cuda, and by the C++ compiler against tests/gpu_on_cpu/shim as
/// mq::cuda_on_cpu.
#pragma once

#include <cuda_runtime.h>

#include "meltquench/core/buffer.h"
#include "meltquench/core/exec.h"

namespace mq::MQ_BACKEND {

/// Throws BackendUnavailable where this machine has no CUDA device, for whatever reason.
void require_any_device();
/// The same if it lacks the one that `exec` names, or if that one is too old for the kernels of this build.
void require_device(const Exec& exec);
/// What this thread launches from now on runs on the device of `exec`.
void use_device(const Exec& exec);

/// Throws ResourceError unless `error` is cudaSuccess; `doing` ends "CUDA device 0 failed while ...". Kernels
/// report late: the error may be one of an earlier kernel.
void check(cudaError_t error, const Exec& exec, const char* doing);

inline cudaStream_t stream_of(const Exec& exec) { return static_cast<cudaStream_t>(exec.stream); }

const MemoryOps& device_memory();

}  // namespace mq::MQ_BACKEND
