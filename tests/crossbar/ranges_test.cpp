#include "meltquench/crossbar/ranges.h"

#include "arrays.h"
#include "meltquench/core/storage.h"

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
}

TEST(RangeFinder, SeesWhatReadPhasesGiveInASecondLook) {
  // 4 bits with sign: codes of +-7 in steps of 0.5, whose bits drive the lines one after the other.
  Hardware h;
  h.dac.bits = 4;
  h.dac.digit_bits = 1;
  const std::vector<float> w{1.0f, 0.25f, -1.0f, 2.0f}, x{3.5f, -1.0f, 2.0f, 0.5f};  // codes 7, -2 and 4, 1
  const auto ranges = [&] {
    RangeFinder finder(tile_grid(h.tile, 2, 2), h);
    for (int look = 0; look < finder.looks(); ++look) {
      if (look > 0) finder.look_again();
      finder.look_at(kExec, matrix(x, 2), matrix(w, 2));
    }
    finder.look_again();
    finder.look_at(kExec, matrix(std::vector<float>{9.0f, 9.0f}, 1), matrix(w, 2));  // does not count
    EXPECT_EQ(finder.looks(), h.dac.range ? 1 : 2);
    EXPECT_EQ(finder.ranges().dac, 3.5f);
    return finder.ranges().adc;
  };
  // Bit 1 of the first sample drives (1, -1): -1 - 2 = -3 steps of 0.5.
  EXPECT_EQ(ranges(), (std::vector<float>(3, 1.5f)));
  h.dac.splits_sign = true;  // now the signs drive apart
  EXPECT_EQ(ranges(), (std::vector<float>(6, 1.0f)));
  h.dac.range = 3.5;
  EXPECT_EQ(ranges(), (std::vector<float>(6, 1.0f)));
  h.adc.range_per = RangeGroup::column;
  h.adc.range_from = RangeMethod::full_scale;
  EXPECT_EQ(ranges(), (std::vector<float>(6, 1.5f))) << "3 |w| of the second output";
}

TEST(RangeFinder, LeastErrorOfPhasesIsThatOfTheirSum) {
  const std::vector<float> w = uniforms(32 * 64, 1), x = uniforms(50 * 64, 2);
  Hardware h = ideal_io("ideal", 64, 32);
  h.dac.bits = 6;
  h.dac.range = 1.0;
  h.dac.digit_bits = 1;
  h.adc.bits = 4;
  h.adc.range_from = RangeMethod::least_error;
  RangeFinder finder(tile_grid(h.tile, 32, 64), h);
  finder.look_at(kExec, matrix(x, 50), matrix(w, 32));
  const float best = finder.ranges().adc.at(0);
  Hardware exact = h;
  exact.adc.bits = 0;
  TileArray ideal(kExec, exact, {}, 32, 64);
  ideal.program(kExec, matrix(w, 32));
  const std::vector<float> expected = product(ideal, kExec, x);
  const auto error = [&](float range) {
    TileArray array(kExec, h, {}, 32, 64);
    array.set_ranges({.dac = 1.0f, .adc = std::vector<float>(5, range)});
    array.program(kExec, matrix(w, 32));
    const std::vector<float> y = product(array, kExec, x);
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += std::pow(double(y[i]) - expected[i], 2);
    return sum;
  };
  EXPECT_LT(error(best), error(1.4f * best));
  EXPECT_LT(error(best), error(best / 1.4f));
}

TEST(RangeFinder, ColumnsHaveRangesOfTheirOwn) {
  Hardware h = ideal_io("ideal", 32, 24);
  h.dac.bits = 12;  // so that rounded inputs give no more than the ranges
  h.adc.bits = 8;
  h.adc.range_per = RangeGroup::column;
  std::vector<float> w = uniforms(50 * 70, 1);
  const std::vector<float> x = uniforms(40 * 70, 2);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] *= std::ldexp(1.0f, -static_cast<int>(i / 70 % 6));
  const auto errors = [&](RangeGroup per, RangeMethod from) {
    h.adc.range_per = per;
    h.adc.range_from = from;
    RangeFinder finder(tile_grid(h.tile, 50, 70), h);
    finder.look_at(kExec, matrix(x, 40), matrix(w, 50));
    const Ranges ranges = finder.ranges();
    EXPECT_EQ(ranges.columns.size(), per == RangeGroup::column ? ranges.adc.size() * 24 : 0);
    for (std::size_t i = 0; i < ranges.columns.size(); ++i) {
      EXPECT_LE(ranges.columns[i], ranges.adc[i / 24]);
    }
    TileArray array(kExec, h, {}, 50, 70);
    array.set_ranges(ranges);
    array.program(kExec, matrix(w, 50));
    const std::vector<float> y = product(array, kExec, x);
    EXPECT_EQ(from == RangeMethod::maximum ? array.counters().adc_clips : 0, 0);
    // Chips come back from a file with the ranges of columns.
    const std::string file = ::testing::TempDir() + "column_ranges.h5";
    {
      H5Writer writer(file, "test", 1);
      array.save(writer, "/a");
      writer.commit();
    }
    TileArray loaded(kExec, h, {}, 50, 70);
    loaded.load(kExec, H5Reader(file, "test", 1), "/a");
    EXPECT_EQ(product(loaded, kExec, x), y);
    std::vector<double> sums(6);
    for (std::size_t i = 0; i < y.size(); ++i) {
      double exact = 0.0;
      for (std::size_t j = 0; j < 70; ++j) exact += double(w[i % 50 * 70 + j]) * x[i / 50 * 70 + j];
      sums[i % 50 % 6] += std::pow(y[i] - exact, 2);
    }
    return sums;
  };
  const std::vector<double> shared = errors(RangeGroup::tile, RangeMethod::maximum);
  for (const RangeMethod from : {RangeMethod::maximum, RangeMethod::percentile, RangeMethod::least_error}) {
    h.adc.percentile = 99.0;
    const std::vector<double> own = errors(RangeGroup::column, from);
    // Outputs that are 32 times as small have steps that are.
    EXPECT_LT(own[5], 0.05 * shared[5]);
    EXPECT_LT(own[3], 0.5 * shared[3]);
  }
}

TEST(RangeFinder, ArraysRejectRangesOfOtherColumns) {
  const Hardware h = ideal_io("ideal", 32, 24);
  TileArray array(kExec, h, {}, 50, 70);
  Ranges ranges{.dac = 1.0f, .adc = array.ranges().adc, .columns = std::vector<float>(7, 1.0f)};
  EXPECT_THROW(array.set_ranges(ranges), ShapeError);
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
