/// The CUDA device that is none: what a test may ask of it and do to it. For one host thread.
///
/// Device memory is host memory that remembers its size. Fresh memory holds 0xCD, so that nobody relies on
/// zeros; copies must name live device memory; writes beyond an allocation are found after each kernel (by
/// the address sanitizer at once, where it is on).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace on_cpu {

/// What the next test sees: one healthy device of compute capability 9.0. Memory that is still allocated
/// stays.
void reset_device();

void set_devices(int count, cudaError_t error = cudaSuccess);
void set_compute_capability(int major, int minor);
void set_memory(std::size_t bytes);
/// The n-th allocation from now (1: the next one) finds no memory; 0: none fails.
void fail_allocation(int n);
/// The n-th kernel from now dies while it runs. As on a GPU the error is sticky and comes with the next call
/// that waits, or with the next kernel.
void fail_kernel(int n);

/// 0: blocks and their threads run in ascending order; else in an order that the seed chooses.
void set_thread_order(std::uint64_t seed);

/// The rule that the last kernel broke, in a sentence with its place; empty if it broke none. Errors of the
/// device hold it too, until `reset_device`.
std::string last_finding();

std::size_t live_allocations();
/// Counted since `reset_device`.
std::size_t allocations();
std::size_t kernels();

}  // namespace on_cpu
