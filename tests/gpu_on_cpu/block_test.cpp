// Threads of a block that wait for each other, on the stand-in.
#include "planted.h"

namespace mq {
namespace {

class OnCpuBlock : public PlantedKernels {};

/// Each block adds up 256 numbers: within warps by shuffles, across warps through shared memory.
__global__ void add_up_kernel(const std::int32_t* x, std::int32_t* sums) {
  __shared__ std::int32_t of_warp[8];
  const unsigned t = threadIdx.x;
  std::int32_t sum = x[blockIdx.x * blockDim.x + t];
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, step);
  if (t % 32 == 0) of_warp[t / 32] = sum;
  __syncthreads();
  if (t < 8) {
    sum = of_warp[t];
    for (int step = 4; step > 0; step /= 2)
      sum += __shfl_down_sync(0xffu, sum, static_cast<unsigned>(step), 8);
    if (t == 0) sums[blockIdx.x] = sum;
  }
}

TEST_F(OnCpuBlock, AddsUpThroughShufflesAndSharedMemory) {
  std::vector<std::int32_t> x(1024), expected(4);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<std::int32_t>(i * i % 1000);
    expected[i / 256] += x[i];
  }
  for_thread_orders([&](std::uint64_t seed) {
    Buffer<std::int32_t> sums(kCuda, 4);
    MQ_LAUNCH(add_up_kernel, 4u, 256u, kCuda, on_backend(kCuda, x).data(), sums.data());
    EXPECT_EQ(on_host(sums), expected) << "order " << seed;
  });
}

/// One tile of 16 x 16 after the other goes through shared memory.
__global__ void multiply_kernel(const float* a, const float* b, float* c, unsigned n) {
  __shared__ float a_tile[16][16], b_tile[16][16];
  const unsigned row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0.0f;
  for (unsigned k = 0; k < n; k += 16) {
    a_tile[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
    b_tile[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
    __syncthreads();
    for (unsigned i = 0; i < 16; ++i) sum = fma(a_tile[threadIdx.y][i], b_tile[i][threadIdx.x], sum);
    __syncthreads();
  }
  c[row * n + column] = sum;
}

TEST_F(OnCpuBlock, MultipliesTilesInAGridOfTwoDimensions) {
  constexpr unsigned n = 64;
  const std::vector<float> a = uniform_floats(n * n, -1.0f, 1.0f, 1),
                           b = uniform_floats(n * n, -1.0f, 1.0f, 2);
  std::vector<float> expected(n * n, 0.0f);
  for (unsigned i = 0; i < n * n; ++i) {
    for (unsigned k = 0; k < n; ++k) expected[i] = fma(a[i / n * n + k], b[k * n + i % n], expected[i]);
  }
  for_thread_orders([&](std::uint64_t) {
    Buffer<float> c(kCuda, n * n);
    MQ_LAUNCH(multiply_kernel, dim3(4, 4), dim3(16, 16), kCuda, on_backend(kCuda, a).data(),
              on_backend(kCuda, b).data(), c.data(), n);
    expect_same_bits(expected, on_host(c), "product");
  });
}

__global__ void place_kernel(std::uint32_t* visits) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  ++visits[block * blockDim.x * blockDim.y * blockDim.z + thread];
}

TEST_F(OnCpuBlock, VisitsAGridOfThreeDimensionsOnce) {
  for_thread_orders([&](std::uint64_t) {
    Buffer<std::uint32_t> visits(kCuda, 3 * 4 * 5 * 30);
    MQ_LAUNCH(place_kernel, dim3(3, 4, 5), dim3(2, 3, 5), kCuda, visits.data());
    EXPECT_EQ(on_host(visits), std::vector<std::uint32_t>(3 * 4 * 5 * 30, 1));
  });
}

__global__ void vote_kernel(std::int32_t* seen) {
  const bool is_third = threadIdx.x % 3 == 0;
  std::int32_t* mine = seen + threadIdx.x * 8;
  mine[0] = __syncthreads_count(is_third);
  mine[1] = __syncthreads_or(threadIdx.x == 77);
  mine[2] = __syncthreads_and(threadIdx.x != 77);
  mine[3] = __any_sync(0xffffffffu, threadIdx.x == 77);
  mine[4] = __all_sync(0xffffffffu, threadIdx.x != 77);
  // Halves of a warp on their own ways, which meet again.
  const unsigned half = threadIdx.x % 32 < 16 ? 0x0000ffffu : 0xffff0000u;
  mine[5] = half == 0x0000ffffu ? static_cast<std::int32_t>(__ballot_sync(half, is_third)) : 0;
  __syncwarp();
  mine[6] = static_cast<std::int32_t>(__reduce_add_sync(half, threadIdx.x));
  mine[7] = __shfl_up_sync(0xffffffffu, static_cast<std::int32_t>(threadIdx.x), 3, 8);
}

TEST_F(OnCpuBlock, VotesAndSumsAreThoseOfTheLanesOfTheirMask) {
  for_thread_orders([&](std::uint64_t) {
    Buffer<std::int32_t> seen(kCuda, 96 * 8);
    MQ_LAUNCH(vote_kernel, 1u, 96u, kCuda, seen.data());
    const std::vector<std::int32_t> host = on_host(seen);
    for (int t = 0; t < 96; ++t) {
      const int first = t / 16 * 16;
      std::int32_t thirds = 0;
      for (int i = 0; i < 16; ++i) thirds |= std::int32_t((first + i) % 3 == 0) << i;
      const std::vector<std::int32_t> expected = {
          32, 1, 0, t >= 64, t < 64, t % 32 < 16 ? thirds : 0, 16 * first + 120, t % 8 < 3 ? t : t - 3};
      EXPECT_EQ(std::vector<std::int32_t>(host.begin() + t * 8, host.begin() + t * 8 + 8), expected)
          << "thread " << t;
    }
  });
}

}  // namespace
}  // namespace mq
