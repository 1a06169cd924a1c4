#include "meltquench/crossbar/ranges.h"

#include "arrays.h"

namespace mq {
namespace {

const Exec kExec;

TEST(TileGrid, CoversTheMatrixWithSmallerTilesAtTheEdges) {
  const TileGrid grid = tile_grid({.rows = 4, .columns = 3}, 5, 9);
  EXPECT_EQ(grid.rows(), 2u);
  EXPECT_EQ(grid.columns(), 3u);
  EXPECT_EQ(grid.size(), 6u);
  EXPECT_EQ(grid.outputs_of(0), 3u);
  EXPECT_EQ(grid.outputs_of(1), 2u);
  EXPECT_EQ(grid.inputs_of(2), 1u);
}

TEST(RangeFinder, SeesTheLargestInputAndPartialSumOfEachTile) {
  const TileGrid grid = tile_grid({.rows = 2, .columns = 1}, 2, 3);  // 2 x 2 tiles: inputs 0, 1 and input 2
  const std::vector<float> w{1, 2, 3, -1, 0, 10};
  RangeFinder finder(grid);
  finder.look_at(kExec, MatrixView<const float>(std::vector<float>{1, 1, 0.5f}.data(), 1, 3), matrix(w, 2));
  finder.look_at(kExec, MatrixView<const float>(std::vector<float>{-2, 0.5f, 0.25f}.data(), 1, 3),
                 matrix(w, 2));
  const Ranges ranges = finder.ranges();
  EXPECT_EQ(ranges.dac, 2.0f);
  EXPECT_EQ(ranges.adc, (std::vector<float>{3.0f, 1.5f, 2.0f, 5.0f}));
}

TEST(RangeFinder, DoesNotDependOnBatchesOrThreads) {
  const TileGrid grid = tile_grid({.rows = 32, .columns = 24}, 50, 70);
  const std::vector<float> w = uniforms(50 * 70, 1), x = uniforms(40 * 70, 2);
  RangeFinder whole(grid), parts(grid);
  whole.look_at(kExec, matrix(x, 40), matrix(w, 50));
  for (std::size_t row = 0; row < 40; ++row) {
    parts.look_at(Exec{.threads = 3}, MatrixView<const float>(x.data() + row * 70, 1, 70), matrix(w, 50));
  }
  EXPECT_EQ(whole.ranges().dac, parts.ranges().dac);
  EXPECT_EQ(whole.ranges().adc, parts.ranges().adc);
}

TEST(RangeFinder, NothingButZerosGivesOne) {
  RangeFinder finder(tile_grid({}, 2, 2));
  const std::vector<float> zeros(4, 0.0f);
  finder.look_at(kExec, matrix(zeros, 2), matrix(zeros, 2));
  EXPECT_EQ(finder.ranges().dac, 1.0f);
  EXPECT_EQ(finder.ranges().adc, std::vector<float>{1.0f});
}

TEST(RangeFinder, MakesArraysThatClipNothingOnWhatItSaw) {
  Hardware h = ideal_io("ideal", 32, 24);
  h.dac.bits = h.adc.bits = 8;
  const std::vector<float> w = uniforms(50 * 70, 1), x = uniforms(40 * 70, 2);
  RangeFinder finder(tile_grid(h.tile, 50, 70));
  finder.look_at(kExec, matrix(x, 40), matrix(w, 50));
  TileArray array(kExec, h, {}, 50, 70);
  array.set_ranges(finder.ranges());
  array.program(kExec, matrix(w, 50));
  product(array, kExec, x);
  EXPECT_EQ(array.counters().dac_clips, 0);
  EXPECT_EQ(array.counters().adc_clips, 0);
}

TEST(RangeFinder, LayersAndTilesShareWhatTheyAreToldTo) {
  const TileGrid grid = tile_grid({.rows = 2, .columns = 1}, 2, 3);
  const std::vector<float> w{1, 2, 3, -1, 0, 10}, x{1, 1, 0.5f, -2, 0.5f, 0.25f};
  Hardware h;
  const auto ranges = [&] {
    RangeFinder finder(grid, h);
    finder.look_at(kExec, matrix(x, 2), matrix(w, 2));
    return finder.ranges().adc;
  };
  EXPECT_EQ(ranges(), (std::vector<float>{3.0f, 1.5f, 2.0f, 5.0f}));
  h.adc.range_per = RangeGroup::layer;
  EXPECT_EQ(ranges(), (std::vector<float>(4, 5.0f)));
  h.adc.range_per = RangeGroup::tile;
  h.adc.range_from = RangeMethod::full_scale;
  EXPECT_EQ(ranges(), (std::vector<float>{6.0f, 6.0f, 2.0f, 20.0f})) << "sums of |w| times the largest |x|";
  h.dac.range = 1.0;
  EXPECT_EQ(ranges(), (std::vector<float>{3.0f, 3.0f, 1.0f, 10.0f}));
}

TEST(RangeFinder, FindsPercentilesAndTheLeastErrorOfTheOutputs) {
  // Sums of 64 products are nearly normal: 3-bit codes are best with a range well below the largest of 4000.
  const std::vector<float> w = uniforms(40 * 64, 1), x = uniforms(100 * 64, 2);
  Hardware h;
  h.adc.bits = 3;
  const auto range = [&](RangeMethod method) {
    h.adc.range_from = method;
    RangeFinder finder(tile_grid(h.tile, 40, 64), h);
    for (std::size_t row = 0; row < 100; row += 10)
      finder.look_at(kExec, MatrixView<const float>(x.data() + row * 64, 10, 64), matrix(w, 40));
    return finder.ranges().adc.at(0);
  };
  const float maximum = range(RangeMethod::maximum);
  h.adc.percentile = 90.0;
  EXPECT_NEAR(range(RangeMethod::percentile) / std::sqrt(64.0 / 9.0), 1.645, 0.1);
  const float best = range(RangeMethod::least_error);
  EXPECT_LT(best, 0.8f * maximum);
  EXPECT_GT(best, 0.4f * maximum);
  h.dac.digit_bits = 1;
  try {
    range(RangeMethod::percentile);
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("converted one by one"), std::string::npos);
  }
}

TEST(RangeFinder, SeesInputsAsTheyAreScaled) {
  const std::vector<float> w{1.0f, 2.0f}, x{4.0f, 4.0f, 0.5f, -0.25f};
  Hardware h;
  h.dac.scaling = InputScaling::absmax;
  RangeFinder finder(tile_grid(h.tile, 1, 2), h);
  finder.look_at(kExec, matrix(x, 2), matrix(w, 1));
  EXPECT_EQ(finder.ranges().dac, 1.0f);
  EXPECT_EQ(finder.ranges().adc, std::vector<float>{3.0f});
  h.dac.scaling = InputScaling::average;
  h.dac.average_decay = 0.5;
  RangeFinder average(tile_grid(h.tile, 1, 2), h);
  average.look_at(kExec, matrix(x, 2), matrix(w, 1));
  EXPECT_EQ(average.ranges().adc, std::vector<float>{3.0f}) << "the first sample is its own average";
}

}  // namespace
}  // namespace mq
