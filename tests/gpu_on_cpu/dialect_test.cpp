// The stand-in's spelling of CUDA: bits, integer products, vectors, streams and events.
#include "planted.h"

namespace mq {
namespace {

class Dialect : public PlantedKernels {};

TEST_F(Dialect, BitFunctionsFollowTheirDefinitions) {
  for (const std::uint32_t x : {0u, 1u, 2u, 0x80000000u, 0xffffffffu, 0x12345678u, 0x00f0f000u}) {
    std::int32_t ones = 0, leading = 32, first = 0;
    std::uint32_t reversed = 0;
    for (int i = 0; i < 32; ++i) {
      if ((x >> i & 1) == 0) continue;
      ++ones;
      leading = 31 - i;
      if (first == 0) first = i + 1;
      reversed += 1u << (31 - i);
    }
    EXPECT_EQ(__popc(x), ones);
    EXPECT_EQ(__clz(static_cast<int>(x)), leading);
    EXPECT_EQ(__ffs(static_cast<int>(x)), first);
    EXPECT_EQ(__brev(x), reversed);
  }
}

TEST_F(Dialect, FunnelsAndBytesComeFromTwoWords) {
  EXPECT_EQ(__funnelshift_l(0x89abcdefu, 0x01234567u, 8), 0x23456789u);
  EXPECT_EQ(__funnelshift_l(0x89abcdefu, 0x01234567u, 32), 0x01234567u);
  EXPECT_EQ(__funnelshift_r(0x89abcdefu, 0x01234567u, 8), 0x6789abcdu);
  EXPECT_EQ(__funnelshift_r(0x89abcdefu, 0x01234567u, 64), 0x89abcdefu);
  EXPECT_EQ(__byte_perm(0x33221100u, 0x77665544u, 0x7531), 0x77553311u);
  EXPECT_EQ(__byte_perm(0x00800000u, 0x000000ffu, 0xc8a0), 0xff00ff00u);  // signs of bytes 4, 0 and 2; byte 0
  EXPECT_EQ(__umulhi(0x80000000u, 6u), 3u);
}

TEST_F(Dialect, DotProductsOfBytesKeepTheirSigns) {
  EXPECT_EQ(__dp4a(static_cast<int>(0x80ff017fu), 0x02020202, 10), 10 + 2 * (-128 - 1 + 1 + 127));
  EXPECT_EQ(__dp4a(0x80ff017fu, 0x02020202u, 10u), 10u + 2 * (128 + 255 + 1 + 127));
}

template <class T>
void exchange_kernel(T* p) {
  p[threadIdx.x] = __shfl_xor_sync(0xffffffffu, p[threadIdx.x], 1);
}
template <class T>
void expect_exchange(T even, T odd) {
  std::vector<T> values(32), expected(32);
  for (std::size_t i = 0; i < 32; ++i) {
    values[i] = i % 2 == 0 ? even : odd;
    expected[i] = i % 2 == 0 ? odd : even;
  }
  Buffer<T> buffer = on_backend(kCuda, values);
  MQ_LAUNCH(exchange_kernel<T>, 1u, 32u, kCuda, buffer.data());
  EXPECT_EQ(on_host(buffer), expected);
}
TEST_F(Dialect, ShufflesCarryFourAndEightBytes) {
  expect_exchange<std::int32_t>(-5, 7);
  expect_exchange<float>(0.1f, -2e30f);
  expect_exchange<double>(0.1, -2e300);
  expect_exchange<std::uint64_t>(0x0123456789abcdefu, 5);
}

void groups_kernel(std::int32_t* seen) {
  const auto lane = static_cast<std::int32_t>(threadIdx.x);
  seen[lane * 4] = __shfl_sync(0xffffffffu, lane, 11, 8);
  seen[lane * 4 + 1] = __shfl_xor_sync(0xffffffffu, lane, 9, 8);
  seen[lane * 4 + 2] = __shfl_up_sync(0xffffffffu, lane, 2, 8);
  seen[lane * 4 + 3] = __shfl_down_sync(0xffffffffu, lane, 2, 8);
}
TEST_F(Dialect, ShufflesInGroupsStayInTheirGroup) {
  Buffer<std::int32_t> seen(kCuda, 32 * 4);
  MQ_LAUNCH(groups_kernel, 1u, 32u, kCuda, seen.data());
  const std::vector<std::int32_t> host = on_host(seen);
  for (std::int32_t lane = 0; lane < 32; ++lane) {
    const std::int32_t group = lane / 8 * 8, other = lane ^ 9;
    const std::vector<std::int32_t> expected = {group + 3, other < group + 8 ? other : lane,
                                                lane - 2 < group ? lane : lane - 2,
                                                lane + 2 < group + 8 ? lane + 2 : lane};
    EXPECT_EQ(std::vector<std::int32_t>(host.begin() + lane * 4, host.begin() + lane * 4 + 4), expected)
        << "lane " << lane;
  }
}

void atomics_kernel(std::uint32_t* p) {
  const std::uint32_t i = threadIdx.x;
  atomicAdd(p, i);
  atomicSub(p + 1, 1u);
  atomicMax(p + 2, i * 7 % 64);
  atomicMin(p + 3, i * 7 % 64 + 5);
  atomicOr(p + 4, 1u << i % 8);
  atomicAnd(p + 5, ~(1u << i % 8));
  atomicXor(p + 6, i);
  if (atomicCAS(p + 7, 100u, i) == 100u) atomicAdd(p + 8, 1u);
  atomicExch(p + 9, 9u);
}
TEST_F(Dialect, AtomicsAddUpInEveryOrder) {
  for_thread_orders([](std::uint64_t) {
    Buffer<std::uint32_t> p = on_backend(kCuda, std::vector<std::uint32_t>(10, 100));
    MQ_LAUNCH(atomics_kernel, 1u, 64u, kCuda, p.data());
    std::vector<std::uint32_t> host = on_host(p);
    EXPECT_LT(host[7], 64u);
    host[7] = 0;
    EXPECT_EQ(host, (std::vector<std::uint32_t>{2116, 36, 100, 5, 0xff, 0, 100, 0, 101, 9}));
  });
}

TEST_F(Dialect, VectorsAreAlignedToTheirSize) {
  EXPECT_EQ(alignof(float4), 16u);
  EXPECT_EQ(sizeof(float4), 16u);
  EXPECT_EQ(alignof(uint2), 8u);
  EXPECT_EQ(make_int4(1, 2, 3, 4).w, 4);
}

TEST_F(Dialect, StreamsAndEventsMustExist) {
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(nullptr, event), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamWaitEvent(stream, event), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
}

TEST_F(Dialect, DeviceMemoryIsCopiedOnTheDevice) {
  void *a = nullptr, *b = nullptr;
  ASSERT_EQ(cudaMallocAsync(&a, 8, nullptr), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&b, 8, nullptr), cudaSuccess);
  const std::uint64_t sent = 0x0123456789abcdefu;
  std::uint64_t back = 0;
  EXPECT_EQ(cudaMemcpyAsync(a, &sent, 8, cudaMemcpyHostToDevice, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(b, a, 8, cudaMemcpyDeviceToDevice, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(b, &back, 8, cudaMemcpyDeviceToDevice, nullptr), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(&back, b, 8, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  EXPECT_EQ(back, sent);
  EXPECT_EQ(cudaFreeAsync(a, nullptr), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(b, nullptr), cudaSuccess);
}

}  // namespace
}  // namespace mq
