// Planted errors within a block: each stops its kernel with a sentence.
#include "planted.h"

namespace mq {
namespace {

class Findings : public PlantedKernels {
 protected:
  /// What a kernel of one block breaks, in every thread order.
  static void expect(const std::string& sentence, dim3 threads, void (*kernel)(std::uint32_t*)) {
    for_thread_orders([&](std::uint64_t seed) {
      on_cpu::reset_device();
      Buffer<std::uint32_t> out(kCuda, 1024);
      MQ_LAUNCH(kernel, 2u, threads, kCuda, out.data());
      const std::string finding = on_cpu::last_finding();
      EXPECT_NE(finding.find(sentence), finding.npos) << "order " << seed << ": " << finding;
      try {
        on_host(out);
        FAIL() << "order " << seed << ": the device went on";
      } catch (const ResourceError& error) {
        EXPECT_NE(std::string(error.what()).find(finding), std::string::npos) << error.what();
      }
    });
  }
};

std::string at(int line) { return " at findings_test.cpp:" + std::to_string(line); }

constexpr int kBranch = __LINE__ + 3;
void branch_kernel(std::uint32_t*) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
TEST_F(Findings, ABlockThatMeetsAtTwoBarriers) {
  expect("thread (0, 0, 0) is at __syncthreads" + at(kBranch) +
             ", but thread (32, 0, 0) is at __syncthreads" + at(kBranch + 2) +
             "; a block must meet at one barrier",
         64, branch_kernel);
}

constexpr int kAfterReturn = __LINE__ + 3;
void return_kernel(std::uint32_t*) {
  if (threadIdx.x % 2 == 1) return;
  __syncthreads();
}
TEST_F(Findings, ABarrierThatSomeThreadsNeverReach) {
  expect("thread (0, 0, 0) waits at __syncthreads" + at(kAfterReturn) +
             ", but 20 of the block's 40 threads have returned",
         40, return_kernel);
}

constexpr int kHalfAtBarrier = __LINE__ + 3;
void deadlock_kernel(std::uint32_t* out) {
  if (threadIdx.x == 0) {
    __syncthreads();
  } else {
    out[0] = __shfl_sync(0xffffffffu, threadIdx.x, 0);
  }
}
TEST_F(Findings, AWarpThatWaitsForALaneAtABarrier) {
  expect("thread (1, 0, 0) is at a shuffle" + at(kHalfAtBarrier + 2) +
             " with mask 0xffffffff and waits for thread (0, 0, 0), which is at __syncthreads" +
             at(kHalfAtBarrier),
         32, deadlock_kernel);
}

void foreign_mask_kernel(std::uint32_t* out) { out[0] = __ballot_sync(0x0000fffeu, threadIdx.x == 1); }
TEST_F(Findings, ALaneThatItsMaskDoesNotName) {
  expect("with mask 0x0000fffe, which does not name its own lane ", 16, foreign_mask_kernel);
}

void outside_kernel(std::uint32_t* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_xor_sync(0x0000ffffu, threadIdx.x, 16);
}
TEST_F(Findings, AShuffleFromALaneOutsideOfItsMask) {
  expect("with mask 0x0000ffff: a lane reads a lane outside of the mask", 32, outside_kernel);
}

void returned_lane_kernel(std::uint32_t* out) {
  if (threadIdx.x == 7) return;
  out[0] = __ballot_sync(0xffffffffu, true);
}
TEST_F(Findings, AMaskThatNamesALaneThatHasReturned) {
  expect("with mask 0xffffffff, which names lane 7, which has returned", 32, returned_lane_kernel);
}

void short_warp_kernel(std::uint32_t*) { __syncwarp(); }
TEST_F(Findings, AMaskThatNamesALaneThatTheBlockDoesNotHave) {
  expect("is at __syncwarp" + at(__LINE__ - 2) +
             " with mask 0xffffffff, which names lane 8, which the block does not have",
         40, short_warp_kernel);
}

constexpr int kDisagree = __LINE__ + 3;
void disagree_kernel(std::uint32_t* out) {
  const unsigned mask = threadIdx.x < 16 ? 0xffffffffu : 0xffff0001u;
  out[threadIdx.x] = __shfl_sync(mask, threadIdx.x, 16);
}
TEST_F(Findings, LanesThatDisagreeOnTheirMask) {
  expect("thread (0, 0, 0) is at a shuffle" + at(kDisagree) +
             " with mask 0xffffffff, but thread (16, 0, 0) is at a shuffle" + at(kDisagree) +
             " with mask 0xffff0001; they must agree",
         32, disagree_kernel);
}

void kinds_kernel(std::uint32_t* out) {
  out[threadIdx.x] = threadIdx.x < 16 ? __shfl_sync(0xffffffffu, 1u, 0) : __ballot_sync(0xffffffffu, 1);
}
TEST_F(Findings, LanesThatDisagreeOnWhatTheyDo) {
  expect("thread (16, 0, 0) is at a vote" + at(__LINE__ - 3) + " with mask 0xffffffff; they must agree", 32,
         kinds_kernel);
}

void half_product_kernel(std::uint32_t*) {
  std::int32_t d[4] = {};
  if (threadIdx.x < 31) on_cpu::mma_m16n8k32(d, {1, 2, 3, 4}, {5, 6}, true, true);
}
TEST_F(Findings, ATensorCoreProductWithoutOneLane) {
  expect("which names lane 31, which has returned", 32, half_product_kernel);
}

TEST_F(Findings, NameTheKernelAndTheBlock) {
  Buffer<std::uint32_t> out(kCuda, 32);
  MQ_LAUNCH(outside_kernel, dim3(1, 3), 32u, kCuda, out.data());
  EXPECT_EQ(on_cpu::last_finding().find("kernel outside_kernel, block (0, "), 0u) << on_cpu::last_finding();
}

/// What comes after a finding starts from a clean slate: no fiber is lost, no lane still waits.
TEST_F(Findings, LeaveTheNextKernelAlone) {
  for (int round = 0; round < 50; ++round) {
    on_cpu::reset_device();
    Buffer<std::uint32_t> out(kCuda, 1024);
    MQ_LAUNCH(return_kernel, 1u, 1024u, kCuda, out.data());
    EXPECT_FALSE(on_cpu::last_finding().empty());
    on_cpu::reset_device();
    const auto meet = [](std::uint32_t* p) {
      __syncthreads();
      p[threadIdx.x] = __shfl_down_sync(0xffffffffu, threadIdx.x, 1);
      __syncthreads();
    };
    MQ_LAUNCH(+meet, 1u, 1024u, kCuda, out.data());
    const std::vector<std::uint32_t> host = on_host(out);
    EXPECT_EQ(host[0], 1u);
    EXPECT_EQ(host[1023], 1023u);
  }
}

#if defined(__SANITIZE_ADDRESS__)
// The sanitizer of undefined behaviour would be first to see some of them.
#define MQ_ADDRESS_CHECKS_ONLY __attribute__((no_sanitize("undefined")))
MQ_ADDRESS_CHECKS_ONLY void overrun_shared_kernel(std::uint32_t* out) {
  __shared__ std::uint32_t tile[32];
  tile[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = *(tile + threadIdx.x + 1);
}
MQ_ADDRESS_CHECKS_ONLY void overrun_memory_kernel(std::uint32_t* out) {
  out[threadIdx.x] = out[threadIdx.x + 1];
}
MQ_ADDRESS_CHECKS_ONLY void overrun_local_kernel(std::uint32_t* out) {
  std::uint32_t local[4] = {};
  __syncwarp();
  for (std::uint32_t* p = local; p != local + 1 + out[0]; ++p) *p = 1;
}
using FindingsDeathTest = Findings;
TEST_F(FindingsDeathTest, AccessesOutOfBoundsStopTheProgramUnderTheAddressSanitizer) {
  Buffer<std::uint32_t> out = on_backend(kCuda, std::vector<std::uint32_t>(32, 4));
  const auto run = [&](void (*kernel)(std::uint32_t*)) { MQ_LAUNCH(kernel, 1u, 32u, kCuda, out.data()); };
  EXPECT_DEATH(run(overrun_shared_kernel), "global-buffer-overflow");
  EXPECT_DEATH(run(overrun_memory_kernel), "heap-buffer-overflow");
  EXPECT_DEATH(run(overrun_local_kernel), "stack-buffer-overflow");
}
#endif

}  // namespace
}  // namespace mq
