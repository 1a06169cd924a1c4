/// The CUDA device behind the stand-in runtime: what a test may ask of it and do to it. For one host thread.
///
/// Kernels are those that nvcc compiled: a launch finds its PTX by name and executes it (ptx/ptx.h). What an
/// execution finds (a race, an access out of bounds, a read of bytes that nobody wrote) kills the device as
/// on a GPU and is kept as a sentence. Fresh memory holds 0xCD; copies must name live device memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace on_cpu {

/// What the next test sees: one healthy device without pending work. Memory that is still allocated stays.
/// Its compute capability is MQ_PTX_ARCH (80 or 90, which is also the PTX that runs), its order of streams
/// MQ_STREAM_ORDER, its order of threads MQ_THREAD_ORDER; MQ_PTX_CHECKS=0 runs kernels without looking for
/// races, unwritten bytes and counts.
void reset_device();

void set_devices(int count, cudaError_t error = cudaSuccess);
void set_compute_capability(int major, int minor);
void set_memory(std::size_t bytes);
/// The n-th allocation from now (1: the next one) finds no memory; 0: none fails.
void fail_allocation(int n);
/// The n-th launch from now is refused for lack of resources; the device stays well.
void fail_launch(int n);
/// The n-th kernel from now dies while it runs. As on a GPU the error is sticky and comes with the next call
/// that waits, or with the next kernel.
void fail_kernel(int n);

/// 0: work is done when it is submitted. Else it waits until somebody waits for it, or the seed picks it:
/// work of one stream stays in order, work of different streams is ordered by events and by the rules of the
/// legacy default stream alone.
void set_stream_order(std::uint64_t seed);
/// 0: blocks and warps run in ascending order; else in an order that the seed chooses.
void set_thread_order(std::uint64_t seed);

/// After all pending work is done.
std::size_t live_allocations();
/// Counted since `reset_device`.
std::size_t allocations();
std::size_t kernels();
/// What kernels did wrong since `reset_device`, a line each; empty if nothing.
std::string findings();

/// What one launch cost, from its execution.
struct LaunchCost {
  std::string kernel;  // mangled
  std::uint64_t blocks = 0, threads = 0;
  std::uint64_t fp32 = 0, fp64 = 0, integer = 0, special = 0,
                tensor = 0;                            // lane instructions; warps for tensor
  std::uint64_t warp_instructions = 0, footprint = 0;  // footprint: bytes of all live allocations
  std::uint64_t global_bytes = 0, sectors = 0, ideal_sectors = 0, wavefronts = 0, ideal_wavefronts = 0;
};
/// Of every launch from now on, until it is called again; starts a new list.
const std::vector<LaunchCost>& record_launches();

}  // namespace on_cpu
