/// State that the files of the stand-in runtime share. What tests steer is in on_cpu.h.
#pragma once

#include <functional>

#include "on_cpu.h"
#include "ptx/ptx.h"

namespace on_cpu {

struct Device {
  int count = 1, major = 9, minor = 0;
  cudaError_t count_error = cudaSuccess;
  std::size_t memory = std::size_t(1) << 32;
  int failing_allocation = 0, failing_launch = 0, failing_kernel = 0;
  std::uint64_t thread_order = 0;
  bool checks = true;
  cudaError_t last = cudaSuccess;    // forgotten by cudaGetLastError
  cudaError_t sticky = cudaSuccess;  // never forgotten
  std::size_t allocations = 0, kernels = 0;
  std::string findings;
};

Device& device();
/// What device code may touch; shared by copies and kernels.
ptx::DeviceMemory& device_memory();

/// Bytes of all live allocations.
std::size_t live_bytes();

/// Remembers `error` for cudaGetLastError; a dead device answers everything with its sticky error.
cudaError_t report(cudaError_t error);
inline bool is_dead() { return device().sticky != cudaSuccess; }
/// The device dies of `error`, unless it is dead.
void die(cudaError_t error);
/// `n` counts down to the call that fails.
bool is_due(int& n);

/// Does `work` in the order of `stream`, now or later (set_stream_order).
void submit(cudaStream_t stream, std::function<void()> work);
/// Does all that was submitted to any stream.
void finish_all();

}  // namespace on_cpu
