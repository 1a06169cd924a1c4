// The stand-in itself: that it would show what it is there to show.
#include "planted.h"

namespace mq {
namespace {

class OnCpu : public PlantedKernels {};

void mark_kernel(std::uint32_t* visits) { ++visits[blockIdx.x * blockDim.x + threadIdx.x]; }
void race_kernel(std::uint32_t* last) { *last = *last * 31 + blockIdx.x * blockDim.x + threadIdx.x; }
void sum_kernel(std::int64_t* sum, std::uint32_t* largest) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  backend::add_to(sum, 10 - i);
  atomicMax(largest, to_bits(static_cast<float>(i % 100) / 4.0f));
}
[[maybe_unused]] void overrun_kernel(std::uint32_t* p, std::uint32_t size) { p[size] = 1; }

TEST_F(OnCpu, RunsEveryThreadOnceInEveryOrder) {
  for (const unsigned blocks : {1u, 3u, 64u}) {
    for_thread_orders([&](std::uint64_t seed) {
      Buffer<std::uint32_t> visits(kCuda, blocks * 96);
      MQ_LAUNCH(mark_kernel, blocks, 96u, kCuda, visits.data());
      EXPECT_EQ(on_host(visits), std::vector<std::uint32_t>(blocks * 96, 1))
          << blocks << " blocks, order " << seed;
    });
  }
}

TEST_F(OnCpu, AKernelThatDependsOnTheOrderOfThreadsGivesItselfAway) {
  std::vector<std::uint32_t> seen;
  for_thread_orders([&](std::uint64_t) {
    Buffer<std::uint32_t> last(kCuda, 1);
    MQ_LAUNCH(race_kernel, 4u, 32u, kCuda, last.data());
    seen.push_back(on_host(last)[0]);
  });
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_NE(seen[0], seen[2]);
}

TEST_F(OnCpu, AtomicSumsAndMaximaDoNotDependOnTheOrderOfThreads) {
  for_thread_orders([&](std::uint64_t) {
    Buffer<std::int64_t> sum(kCuda, 1);
    Buffer<std::uint32_t> largest(kCuda, 1);
    MQ_LAUNCH(sum_kernel, 4u, 256u, kCuda, sum.data(), largest.data());
    EXPECT_EQ(on_host(sum)[0], 10 * 1024 - 1023 * 512);
    EXPECT_EQ(from_bits(on_host(largest)[0]), 24.75f);
  });
}

TEST_F(OnCpu, FreshMemoryHoldsGarbageButBuffersHoldZeros) {
  void* p = nullptr;
  ASSERT_EQ(cudaMallocAsync(&p, 4, nullptr), cudaSuccess);
  std::uint32_t word = 0;
  ASSERT_EQ(cudaMemcpyAsync(&word, p, 4, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  EXPECT_EQ(word, 0xCDCDCDCDu);
  EXPECT_EQ(cudaFreeAsync(p, nullptr), cudaSuccess);
  EXPECT_EQ(on_host(Buffer<std::uint32_t>(kCuda, 100)), std::vector<std::uint32_t>(100, 0));
}

TEST_F(OnCpu, CopiesMustNameLiveDeviceMemory) {
  Buffer<float> four(kCuda, 4);
  float host[5] = {};
  EXPECT_EQ(cudaMemcpyAsync(host, four.data(), sizeof(host), cudaMemcpyDeviceToHost, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host, host, 4, cudaMemcpyDeviceToHost, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(four.data(), four.data() + 1, 4, cudaMemcpyHostToDevice, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(host, 0, 4, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFreeAsync(host, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host, four.data(), 16, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
}

#if !defined(__SANITIZE_ADDRESS__)  // which stops the program
TEST_F(OnCpu, AWriteBeyondAnAllocationIsFoundAfterTheKernel) {
  Buffer<std::uint32_t> small(kCuda, 3);
  MQ_LAUNCH(overrun_kernel, 1u, 1u, kCuda, small.data(), 3u);
  try {
    on_host(small);
    FAIL() << "the overrun went unseen";
  } catch (const ResourceError& error) {
    EXPECT_NE(std::string(error.what()).find("an illegal memory access was encountered"), std::string::npos)
        << error.what();
  }
}
#endif

}  // namespace
}  // namespace mq
