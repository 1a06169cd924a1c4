// Planted races within a block: the thread sanitizer reports each one, with both source lines. That kernels
// without races are left alone is what all other tests of this program show.
#include "planted.h"
#include "race_reports.h"

namespace mq {
namespace {

using Races = std::set<RacingLines>;

class PlantedRaces : public PlantedKernels {
 protected:
  static Races take() { return take_races("races_test.cpp"); }
};

enum class Barriers { all, no_leading, no_trailing };
constexpr unsigned kSize = 64, kTile = 16;

// Each tile goes through shared memory.
constexpr unsigned kTileStore = __LINE__ + 6;
template <Barriers barriers>
__global__ void correlate_kernel(const float* x, float* y) {
  __shared__ float tile[kTile];
  float sum = 0.0f;
  for (unsigned first = 0; first < kSize; first += kTile) {
    tile[threadIdx.x] = x[first + threadIdx.x];
    if (barriers != Barriers::no_leading) __syncthreads();
    for (unsigned i = 0; i < kTile; ++i) sum = fma(tile[i], x[i], sum);
    if (barriers != Barriers::no_trailing) __syncthreads();
  }
  y[threadIdx.x] = sum;
}
constexpr RacingLines kTileRace = {kTileStore, kTileStore + 2};

template <Barriers barriers>
void correlate() {
  const Buffer<float> x = on_backend(kCuda, uniform_floats(kSize, -1.0f, 1.0f, 1));
  Buffer<float> y(kCuda, kTile);
  MQ_LAUNCH(correlate_kernel<barriers>, 2u, kTile, kCuda, x.data(), y.data());
}

TEST_F(PlantedRaces, NoneBetweenTilesWithBothBarriers) {
  correlate<Barriers::all>();
  EXPECT_EQ(take(), Races{});
}
TEST_F(PlantedRaces, ATileThatIsReadBeforeAllHaveStoredIt) {
  correlate<Barriers::no_leading>();
  EXPECT_EQ(take(), Races{kTileRace});
}
TEST_F(PlantedRaces, ATileThatIsStoredBeforeAllHaveReadTheLast) {
  correlate<Barriers::no_trailing>();
  EXPECT_EQ(take(), Races{kTileRace});
}

constexpr unsigned kPartialStore = __LINE__ + 4;
__global__ void add_up_kernel(std::int32_t* sum, bool has_barrier) {
  __shared__ std::int32_t partial[4];
  const std::int32_t of_warp = __reduce_add_sync(0xffffffffu, static_cast<std::int32_t>(threadIdx.x));
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = of_warp;
  if (has_barrier) __syncthreads();
  if (threadIdx.x == 0) *sum = partial[0] + partial[1] + partial[2] + partial[3];
}

TEST_F(PlantedRaces, AReductionWithoutItsBarrier) {
  Buffer<std::int32_t> sum(kCuda, 1);
  MQ_LAUNCH(add_up_kernel, 1u, 128u, kCuda, sum.data(), true);
  EXPECT_EQ(take(), Races{});
  MQ_LAUNCH(add_up_kernel, 1u, 128u, kCuda, sum.data(), false);
  EXPECT_EQ(take(), (Races{{kPartialStore, kPartialStore + 2}}));
}

// Lanes exchange through shared memory; a shuffle in between makes them meet, but orders no memory.
constexpr unsigned kLaneStore = __LINE__ + 4;
template <bool has_syncwarp>
__global__ void reverse_kernel(unsigned* y) {
  __shared__ unsigned lanes[32];
  lanes[threadIdx.x] = __shfl_sync(0xffffffffu, threadIdx.x, 0);
  unsigned other = __shfl_xor_sync(0xffffffffu, threadIdx.x, 31);
  if (has_syncwarp) __syncwarp();
  y[threadIdx.x] = lanes[other];
}

TEST_F(PlantedRaces, LanesThatMeetWithoutABarrierOfTheirWarp) {
  Buffer<unsigned> y(kCuda, 32);
  MQ_LAUNCH(reverse_kernel<true>, 1u, 32u, kCuda, y.data());
  EXPECT_EQ(take(), Races{});
  MQ_LAUNCH(reverse_kernel<false>, 1u, 32u, kCuda, y.data());
  EXPECT_EQ(take(), (Races{{kLaneStore, kLaneStore + 3}}));
}

constexpr unsigned kCountLine = __LINE__ + 1;
__global__ void count_kernel(std::uint32_t* counts, std::uint32_t size) { ++counts[threadIdx.x % size]; }
__global__ void count_atomically_kernel(std::uint32_t* count) { atomicAdd(count, 1u); }

TEST_F(PlantedRaces, TwoThreadsThatCountInOnePlace) {
  Buffer<std::uint32_t> counts(kCuda, 64);
  MQ_LAUNCH(count_kernel, 3u, 64u, kCuda, counts.data(), 64u);
  MQ_LAUNCH(count_atomically_kernel, 3u, 64u, kCuda, counts.data());
  EXPECT_EQ(take(), Races{});
  MQ_LAUNCH(count_kernel, 1u, 64u, kCuda, counts.data(), 63u);
  EXPECT_EQ(take(), (Races{{kCountLine, kCountLine}}));
}

}  // namespace
}  // namespace mq
