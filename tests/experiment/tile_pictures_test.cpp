#include "meltquench/experiment/tile_pictures.h"

#include <gtest/gtest.h>

#include "meltquench/core/error.h"
#include "meltquench/experiment/svg_heatmap.h"
#include "well_formed.h"

namespace mq {
namespace {

std::string problem_of(const std::string& text) { return test::xml_problem(text); }

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Two outputs and three inputs; output 0 loses 10 mV at every cell.
TileReading small_reading() {
  TileReading reading;
  reading.inputs = 3;
  reading.volts = {0.2, 0.1, -0.2};
  ArrayReading& plus = reading.plus;
  plus.outputs = 2;
  plus.conductances = {1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6};
  plus.word = {0.195, 0.095, -0.195, 0.2, 0.1, -0.2};
  plus.bit = {0.005, 0.005, -0.005, 0.0, 0.0, 0.0};
  plus.cell_currents.assign(6, 1e-7);
  plus.currents.assign(2, 3e-7);
  return reading;
}

CodeHistogram small_histogram(std::size_t tile) {
  CodeHistogram codes;
  codes.tile = tile;
  codes.outputs = 2;
  codes.range = 1.5;
  codes.counts = {2, 0, 1, 3, 0, 1, 3};
  codes.clipped = 4;
  return codes;
}

TEST(TilePictures, CellsHaveAllMapsWithUnitsAndScales) {
  const std::string svg = cells_svg(small_reading(), Polarity::plus, "Cells <of> a tile");
  EXPECT_EQ(problem_of(svg), "");
  for (const char* text : {"Cells &lt;of&gt; a tile", "Conductance", "Cell current", "IR drop at the cell",
                           "Word line at the cell", "Bit line at the cell", "bit line", "word line", "µS",
                           "mV", "2 x 3 elements", "image/png"}) {
    EXPECT_TRUE(contains(svg, text)) << text;
  }
  EXPECT_TRUE(contains(svg, "mean 5 mV, 0 mV to 10 mV")) << "of both signs of the drivers";
}

TEST(TilePictures, CellsWithoutWiresHaveNoMapsOfZeros) {
  TileReading reading = small_reading();
  reading.plus.word = {0.2, 0.1, -0.2, 0.2, 0.1, -0.2};
  reading.plus.bit.assign(6, 0.0);
  const std::string svg = cells_svg(reading, Polarity::plus, "cells");
  EXPECT_TRUE(contains(svg, "Conductance") && contains(svg, "Word line"));
  EXPECT_FALSE(contains(svg, "IR drop") || contains(svg, "Bit line"));
}

TEST(TilePictures, LargeMatricesAreReducedAsTheySay) {
  MatrixPicture picture{.title = "m", .rows = 3, .cols = 600, .values = std::vector<float>(1800, 1.0f)};
  picture.values[601] = -7.0f;  // row 1, columns 0 to 2 make a pixel
  const ReducedMatrix mean = reduced(picture, 256);
  EXPECT_EQ(mean.rows, 3u);
  EXPECT_EQ(mean.row_step, 1u);
  EXPECT_EQ(mean.cols, 200u);
  EXPECT_EQ(mean.col_step, 3u);
  EXPECT_FLOAT_EQ(mean.values[200], -5.0f / 3.0f);
  EXPECT_TRUE(contains(svg_heatmap(picture).svg, "a pixel: mean of 1 x 3"));
  picture.reduction = Reduction::largest;
  EXPECT_EQ(reduced(picture, 256).values[200], -7.0f);
  EXPECT_TRUE(contains(svg_heatmap(picture).svg, "a pixel: largest magnitude of 1 x 3"));
  picture.values.pop_back();
  EXPECT_THROW(svg_heatmap(picture), ShapeError);
}

TEST(TilePictures, CodesAreBarsOfTheirShares) {
  const BarChart chart = code_chart(small_histogram(0));
  EXPECT_EQ(chart.first, -3);
  EXPECT_EQ(chart.values, (std::vector<double>{20, 0, 10, 30, 0, 10, 30}));
  const std::string svg = svg_bars(chart);
  EXPECT_EQ(problem_of(svg), "");
  EXPECT_TRUE(contains(svg, "ADC code") && contains(svg, "conversions [%]") && !contains(svg, "bins"));
  EXPECT_TRUE(contains(svg, "tile 0, slice 0, phase 0: 10 conversions, 40 % clipped, 5 of 7 codes"));
  BarChart wide{.x_title = "code", .values = std::vector<double>(1023, 1.0), .marked_ends = 1};
  EXPECT_TRUE(contains(svg_bars(wide), "code (bins of 4)"));
  const std::string sheet = codes_svg(std::vector{small_histogram(0), small_histogram(1)}, 1, "codes");
  EXPECT_EQ(problem_of(sheet), "");
  EXPECT_TRUE(contains(sheet, "tile 1, slice 0") && !contains(sheet, "tile 0"));
  EXPECT_TRUE(contains(sheet, ">slice 0, phase 0: 40 % clipped, 5 of 7 codes<"));
  EXPECT_EQ(problem_of(codes_svg(std::vector<CodeHistogram>(20, small_histogram(0)), 0, "many")), "");
  EXPECT_TRUE(contains(codes_svg(std::vector<CodeHistogram>(20, small_histogram(0)), 0, "many"),
                       "many (the first 12 of 20)"));
}

TEST(TilePictures, ClipsAreTheShareOfEveryTile) {
  CodeHistogram none = small_histogram(1);
  none.clipped = 0;
  const TileGrid grid{.outputs = 4, .inputs = 6, .tile_outputs = 2, .tile_inputs = 6};
  const std::string svg = clips_svg(std::vector{small_histogram(0), none}, grid, "clips");
  EXPECT_EQ(problem_of(svg), "");
  EXPECT_TRUE(contains(svg, "mean 20 %, 0 % to 40 %")) << svg;
}

TEST(TilePictures, TablesHoldWhatIsDrawn) {
  const std::vector<CodeHistogram> all = {small_histogram(0)};
  EXPECT_EQ(codes_csv(all),
            "tile,slice,kind,phase,code,conversions\n0,0,difference,0,-3,2\n0,0,difference,0,-1,1\n"
            "0,0,difference,0,0,3\n0,0,difference,0,2,1\n0,0,difference,0,3,3\n");
  EXPECT_EQ(conversions_csv(all),
            "tile,slice,kind,phase,outputs,range,conversions,clipped,mean_code,codes_used\n"
            "0,0,difference,0,2,1.5,10,4,0.4,5\n");
}

}  // namespace
}  // namespace mq
