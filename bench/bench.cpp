/// Speed of kernels and of the main job's stages, one core unless a row says two. Read the ratios: machines
/// are shared and differ.
///
///   of_peak      useful multiply-adds per second / peak of fused multiply-adds of this core (8 lanes),
///                measured in this run
///   peak_fmas    fused multiply-adds that the core could have done per item (for work that is no product)
///   vs_blas      time / time of OpenBLAS's sgemm (sgemv at batch 1) for the same product; below 1 is faster
///   vs_avx2      the same against OpenBLAS held to its AVX2 kernels, by a second process of this program
///   vs_tiles     time of a layer / time of its tiles, called one after another with weights of their own
///   vs_hot_tile  time of a layer / (tiles x time of one tile whose weights stay in the cache)
///   speedup      wall time with one thread / with two, best of many each
///   spared       CPU time of the calling thread alone / with a second one, likewise
///   vs_share     time on all cores, each with another busy process / twice the time without them
///   vs_needed    most memory ever in buffers / what cells, planes and two layers of activations take
#include <benchmark/benchmark.h>
#include <cblas.h>

#include <cstdio>

#include "meltquench/bench/reference_speed.h"
#include "meltquench/kernels/kernel_table.h"

int main(int argc, char** argv) {
  mq::answer_or_unpin(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::printf("kernels: %s, FMA peak of one core: %.1f G/s, OpenBLAS core: %s\n",
              mq::kernels(mq::Backend::cpu).name, mq::fma_peak() * 1e-9, openblas_get_corename());
  benchmark::AddCustomContext("isa", mq::kernels(mq::Backend::cpu).name);
  benchmark::AddCustomContext("openblas_core", openblas_get_corename());
  benchmark::AddCustomContext("fma_peak_G_per_s", std::to_string(mq::fma_peak() * 1e-9));
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
