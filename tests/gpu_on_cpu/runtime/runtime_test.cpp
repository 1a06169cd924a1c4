// The stand-in runtime itself: nvcc's launches arrive, and it would show what it is there to show.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "on_cpu.h"
#include "planted_kernels.h"

namespace on_cpu {
namespace {

class Runtime : public testing::Test {
 protected:
  void SetUp() override { reset_device(); }
  void TearDown() override {
    reset_device();
    EXPECT_EQ(live_allocations(), 0u);
  }
};

/// Device memory of words that nobody has written.
class Words {
 public:
  explicit Words(std::uint32_t size) : size_(size) { cudaMalloc(reinterpret_cast<void**>(&p_), size * 4); }
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  ~Words() { cudaFree(p_); }

  std::uint32_t* data() const { return p_; }
  std::uint32_t size() const { return size_; }
  std::vector<std::uint32_t> on_host() const {
    std::vector<std::uint32_t> host(size_);
    cudaMemcpyAsync(host.data(), p_, size_ * 4, cudaMemcpyDeviceToHost, nullptr);
    cudaDeviceSynchronize();
    return host;
  }

 private:
  std::uint32_t* p_ = nullptr;
  std::uint32_t size_;
};

std::vector<std::uint32_t> all(std::uint32_t size, std::uint32_t value) { return std::vector(size, value); }

TEST_F(Runtime, RunsKernelsThatNvccCompiled) {
  const Words words(1000);
  fill(words.data(), 1000, 7, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(words.on_host(), all(1000, 7));
  EXPECT_EQ(kernels(), 1u);
  EXPECT_EQ(findings(), "");
}

TEST_F(Runtime, RunsThePtxOfEitherArchitecture) {
  for (const int major : {8, 9}) {
    set_compute_capability(major, 0);
    const Words words(100);
    fill(words.data(), 100, 3, nullptr);
    EXPECT_EQ(words.on_host(), all(100, 3)) << major;
  }
  set_compute_capability(7, 5);
  EXPECT_THROW(start_nothing(1, 1, 0), std::runtime_error);
}

TEST_F(Runtime, AnAccessBeyondAnAllocationKillsTheDevice) {
  const Words words(100);
  fill(words.data(), 101, 7, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "as on a GPU, the launch knows nothing";
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress) << "it stays dead";
  EXPECT_NE(findings().find("fill_kernel"), std::string::npos) << findings();
}

TEST_F(Runtime, AReadOfBytesThatNobodyWroteAndARaceAreFound) {
  const Words from(64), to(64);
  copy(to.data(), from.data(), 64, nullptr);
  EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_NE(findings(), "");

  reset_device();
  cudaMemsetAsync(from.data(), 0, 256, nullptr);
  shift_with_a_race(from.data(), 64);
  EXPECT_NE(cudaDeviceSynchronize(), cudaSuccess);
  EXPECT_NE(findings(), "");
}

TEST_F(Runtime, ALaunchBeyondTheLimitsIsRefusedAndTheDeviceStaysWell) {
  const auto error_of = [](dim3 grid, dim3 block, std::size_t shared) {
    start_nothing(grid, block, shared);
    return cudaGetLastError();
  };
  EXPECT_EQ(error_of(1, 1025, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error_of(1, dim3(1, 1, 65), 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error_of(0, 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error_of(dim3(1, 65536), 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(error_of(1, 32, 48 * 1024 + 1), cudaErrorInvalidValue);
  EXPECT_EQ(error_of(dim3(2, 3, 4), dim3(8, 4, 2), 48 * 1024), cudaSuccess);
  EXPECT_EQ(kernels(), 1u);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
}

TEST_F(Runtime, FailuresComeWhenTheyWereOrdered) {
  fail_allocation(2);
  const Words first(1), second(1), third(1);
  EXPECT_NE(first.data(), nullptr);
  EXPECT_EQ(second.data(), nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_NE(third.data(), nullptr);

  fail_launch(2);
  for (const cudaError_t expected : {cudaSuccess, cudaErrorLaunchOutOfResources, cudaSuccess}) {
    start_nothing(1, 1, 0);
    EXPECT_EQ(cudaGetLastError(), expected);
  }

  fail_kernel(1);
  start_nothing(1, 1, 0);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
  start_nothing(1, 1, 0);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure) << "the error is sticky";
}

TEST_F(Runtime, CopiesMustNameLiveDeviceMemory) {
  const Words words(4);
  std::uint32_t host[5] = {};
  EXPECT_EQ(cudaMemcpyAsync(host, words.data(), 20, cudaMemcpyDeviceToHost, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host, host, 4, cudaMemcpyDeviceToHost, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(words.data(), words.data() + 1, 4, cudaMemcpyHostToDevice, nullptr),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(words.data(), host, 4, cudaMemcpyDeviceToDevice, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemsetAsync(host, 0, 4, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(host), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(host, words.data(), 16, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  EXPECT_EQ(host[0], 0xCDCDCDCDu) << "fresh memory holds garbage";
}

/// One stream fills, another copies what it filled; who forgets the event sees it under some order.
std::uint32_t hand_over(bool waits) {
  const Words from(32), to(32);
  cudaMemsetAsync(from.data(), 0, 128, nullptr);
  cudaDeviceSynchronize();
  cudaStream_t writer, reader;
  cudaEvent_t is_filled;
  cudaStreamCreateWithFlags(&writer, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&reader, cudaStreamNonBlocking);
  cudaEventCreate(&is_filled);
  fill(from.data(), 32, 5, writer);
  cudaEventRecord(is_filled, writer);
  if (waits) cudaStreamWaitEvent(reader, is_filled, 0);
  copy(to.data(), from.data(), 32, reader);
  cudaEventDestroy(is_filled);
  cudaDeviceSynchronize();
  cudaStreamDestroy(writer);
  cudaStreamDestroy(reader);
  return to.on_host()[0];
}

TEST_F(Runtime, AMissingWaitBetweenStreamsChangesTheResult) {
  std::set<std::uint32_t> with_wait, without_wait;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    set_stream_order(seed);
    with_wait.insert(hand_over(true));
    without_wait.insert(hand_over(false));
  }
  EXPECT_EQ(with_wait, (std::set<std::uint32_t>{5}));
  EXPECT_EQ(without_wait, (std::set<std::uint32_t>{0, 5}));
}

TEST_F(Runtime, AMissingWaitBeforeTheHostReadsChangesTheResult) {
  const Words words(8);
  std::set<std::uint32_t> seen;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    set_stream_order(seed);
    std::uint32_t word = 0;
    fill(words.data(), 8, 5, nullptr);
    cudaMemcpyAsync(&word, words.data(), 4, cudaMemcpyDeviceToHost, nullptr);
    seen.insert(word);
    cudaStreamSynchronize(nullptr);
    EXPECT_EQ(word, 5u);
  }
  EXPECT_TRUE(seen.contains(0xCDCDCDCDu));
}

TEST_F(Runtime, TheDefaultStreamWaitsForTheOthersAndTheyForIt) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    set_stream_order(seed);
    const Words first(8), second(8), third(8);
    cudaStream_t stream;
    cudaStreamCreate(&stream);
    fill(first.data(), 8, 5, stream);
    copy(second.data(), first.data(), 8, nullptr);
    copy(third.data(), second.data(), 8, stream);
    EXPECT_EQ(third.on_host(), all(8, 5)) << "order " << seed;
    cudaStreamDestroy(stream);
  }
}

TEST_F(Runtime, MemoryFreedInTheOrderOfItsStreamLivesUntilThen) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    set_stream_order(seed);
    std::uint32_t *scratch = nullptr, word = 0;
    cudaMallocAsync(reinterpret_cast<void**>(&scratch), 32, nullptr);
    fill(scratch, 8, 9, nullptr);
    cudaMemcpyAsync(&word, scratch, 4, cudaMemcpyDeviceToHost, nullptr);
    cudaFreeAsync(scratch, nullptr);
    cudaStreamSynchronize(nullptr);
    EXPECT_EQ(word, 9u) << "order " << seed;
    EXPECT_EQ(live_allocations(), 0u);
  }
}

}  // namespace
}  // namespace on_cpu
