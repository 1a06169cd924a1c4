#include "meltquench/experiment/svg_plot.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>

#include "well_formed.h"

namespace mq {
namespace {

constexpr const char* kHostile = "\"><script>alert(1)</script>&amp;'\x01\xff";

std::vector<std::string> labels(const std::vector<PlotTick>& ticks) {
  std::vector<std::string> out;
  for (const PlotTick& tick : ticks) out.push_back(tick.label);
  return out;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

LinePlot sample_plot() {
  LinePlot plot;
  plot.title = "Accuracy over time";
  plot.x_title = "time";
  plot.y_title = "accuracy [%]";
  plot.x_kind = AxisKind::log;
  plot.x_ticks = {{25, "25 s"}, {3600, "1 h"}, {86400, "1 day"}, {31536000, "1 year"}};
  plot.band_name = "chips";
  plot.series = {
      {.name = "plain", .color = 0, .points = {{25, 88, 87.5, 88.5, "25 s: 88 %"}, {3600, 80, 79, 81, ""}}},
      {.name = "aware", .color = 1, .points = {{25, 89, NAN, NAN, ""}, {31536000, 88, NAN, NAN, ""}}}};
  plot.lines = {{.name = "digital", .color = 0, .y = 88.2, .note = "a"},
                {.name = "digital", .color = 1, .y = 89.2, .note = "b"}};
  return plot;
}

TEST(LinearTicks, AreRoundNumbersInsideTheRange) {
  EXPECT_EQ(labels(linear_ticks(0, 1, 6)),
            (std::vector<std::string>{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}));
  EXPECT_EQ(labels(linear_ticks(86.13, 88.6, 7)),
            (std::vector<std::string>{"86.5", "87.0", "87.5", "88.0", "88.5"}));
  EXPECT_EQ(labels(linear_ticks(-30, 90, 7)), (std::vector<std::string>{"-20", "0", "20", "40", "60", "80"}));
  EXPECT_EQ(labels(linear_ticks(0, 25000, 6)),
            (std::vector<std::string>{"0", "5000", "10000", "15000", "20000", "25000"}));
}

TEST(LinearTicks, StayWithinTheirNumberForEveryRange) {
  for (double span = 1e-6; span < 1e7; span *= 1.37)
    for (const double low : {-0.3 * span, 0.0, 0.7 * span, 91.3}) {
      const std::vector<PlotTick> ticks = linear_ticks(low, low + span, 7);
      EXPECT_LE(ticks.size(), 7u) << span;
      EXPECT_GE(ticks.size(), 2u) << span;
      for (const PlotTick& tick : ticks) {
        EXPECT_GE(tick.at, low - 1e-6 * span);
        EXPECT_LE(tick.at, low + span + 1e-6 * span);
      }
    }
}

TEST(DecadeTicks, AreThinnedToFit) {
  EXPECT_EQ(labels(decade_ticks(1, 1000, 8)), (std::vector<std::string>{"1", "10", "100", "1000"}));
  EXPECT_EQ(decade_ticks(1e-6, 1e9, 8).size(), 8u);
  EXPECT_EQ(decade_ticks(2, 9, 8).size(), 0u);
}

TEST(PlotAxis, PlacesEqualRatiosAtEqualDistancesOnALogAxis) {
  const PlotAxis axis{.kind = AxisKind::log, .low = 1, .high = 10000, .from = 100, .to = 500};
  EXPECT_NEAR(axis.place(1), 100, 1e-9);
  EXPECT_NEAR(axis.place(10), 200, 1e-9);
  EXPECT_NEAR(axis.place(10000), 500, 1e-9);
}

TEST(PlotAxis, HasLengthEvenForOneValueOrNone) {
  for (const AxisKind kind : {AxisKind::linear, AxisKind::log})
    for (const auto& values :
         {std::vector<double>{}, std::vector<double>{5}, std::vector<double>{NAN, -1, INFINITY}}) {
      const PlotAxis axis = axis_around(kind, values, 0.05, 0);
      EXPECT_LT(axis.low, axis.high);
      EXPECT_TRUE(std::isfinite(axis.low) && std::isfinite(axis.high));
    }
  const PlotAxis axis = axis_around(AxisKind::linear, {88.0, 88.1}, 0, 0.5);
  EXPECT_NEAR(axis.high - axis.low, 0.5, 1e-9);
}

TEST(SvgPlot, IsWellFormedAndShowsWhatItWasGiven) {
  const std::string svg = svg_plot(sample_plot());
  EXPECT_EQ(test::xml_problem(svg), "");
  for (const char* part :
       {"plain", "aware", "25 s", "1 year", "accuracy [%]", "chips", "<title>25 s: 88 %</title>"})
    EXPECT_NE(svg.find(part), svg.npos) << part;
  EXPECT_EQ(count(svg, ">digital</text>"), 1u);  // one entry for both lines
  EXPECT_EQ(count(svg, "fill-opacity"), 1u);     // a band only where there is one
  EXPECT_EQ(svg.find("nan"), svg.npos);
  EXPECT_EQ(svg.find("inf"), svg.npos);
}

TEST(SvgPlot, LosesNothingToHostileNames) {
  LinePlot plot = sample_plot();
  plot.title = plot.x_title = plot.y_title = plot.band_name = plot.series[0].name = plot.lines[0].name =
      kHostile;
  plot.series[0].points[0].note = plot.lines[1].note = plot.x_ticks[0].label = kHostile;
  const std::string svg = svg_plot(plot);
  EXPECT_EQ(test::xml_problem(svg), "");
  EXPECT_EQ(svg.find("<script"), svg.npos);
}

TEST(SvgPlot, InterruptsTheLineWhereAValueIsMissing) {
  LinePlot plot;
  plot.series = {{.name = "a", .color = 0, .points = {{1, 1}, {2, 2}, {3, NAN}, {4, 3}, {5, 4}}}};
  const std::string svg = svg_plot(plot);
  const std::size_t start = svg.find("stroke-linejoin");
  const std::string path = svg.substr(start, svg.find("/>", start) - start);
  EXPECT_EQ(count(path, "M"), 2u);
  EXPECT_EQ(count(path, "L"), 2u);
  EXPECT_EQ(count(svg, "opacity=\"0\""), 4u);  // one target for the pointer per marker
}

TEST(SvgPlot, DrawsAnEmptyPlotAndASinglePoint) {
  EXPECT_EQ(test::xml_problem(svg_plot(LinePlot{})), "");
  LinePlot plot;
  plot.x_kind = AxisKind::log;
  plot.series = {{.name = "a", .color = 0, .points = {{25, 0.9, 0.8, 1.0, ""}, {0, 0.5}}}};
  EXPECT_EQ(test::xml_problem(svg_plot(plot)), "");
}

TEST(SvgPlot, LeavesOutLabelsThatWouldTouch) {
  LinePlot plot = sample_plot();
  plot.x_ticks = {{1000, "1000 s"}, {1001, "1001 s"}, {86400, "1 day"}};
  const std::string svg = svg_plot(plot);
  EXPECT_NE(svg.find("1000 s"), svg.npos);
  EXPECT_EQ(svg.find("1001 s"), svg.npos);
}

TEST(SvgPlot, GivesEqualBytesForEqualInputUnderAnyLocale) {
  const std::string before = svg_plot(sample_plot());
  const std::string saved = std::setlocale(LC_ALL, nullptr);
  std::setlocale(LC_ALL,
                 "de_DE.UTF-8");  // decimal comma where it is installed; the bytes are equal either way
  const std::string after = svg_plot(sample_plot());
  std::setlocale(LC_ALL, saved.c_str());
  EXPECT_EQ(before, after);
}

}  // namespace
}  // namespace mq
