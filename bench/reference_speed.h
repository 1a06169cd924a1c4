/// What every figure is compared with, measured in the same run on the same core: the peak of fused
/// multiply-adds, and Debian's OpenBLAS with one thread.
#pragma once

#include <cstddef>
#include <functional>

namespace mq {

/// Whether the environment asks (MQ_BENCH_ONCE=1) to do all work once, to see that it runs; times mean
/// nothing then.
bool is_rehearsal();

/// Shortest CPU time of one call of `work` [s], over about a quarter of a second.
double best_seconds(const std::function<void()>& work);

/// What two threads give over one, best of many in turns over about two seconds. On a machine whose cores
/// others use, wall time waits for the second core; the calling thread's own CPU time still shows how much of
/// the work it was spared.
struct TwoCores {
  double wall_ratio, cpu_ratio;
};
TwoCores two_cores(const std::function<void(int)>& work);

/// Fused multiply-adds per second of one core (8 lanes, AVX2), counted per lane; 0 where there is no AVX2.
double fma_peak();

/// Normals per second of add_normals on one core.
double gaussians_per_second();

/// Time [s] of y[batch, n] = x[batch, n] W[n, n]^T by OpenBLAS, one thread; sgemv for a batch of 1.
double openblas_seconds(std::size_t n, std::size_t batch);

/// The same with OpenBLAS's AVX2 kernels, whatever the processor has; 0 where it cannot be told. OpenBLAS
/// picks its kernels when it is loaded, so a second process of this program measures it.
double openblas_avx2_seconds(std::size_t n, std::size_t batch);

/// What a program that measures so does first: that second process answers and ends, and a process whose
/// environment pins OpenBLAS to some kernels starts again without.
void answer_or_unpin(int argc, char** argv);

}  // namespace mq
