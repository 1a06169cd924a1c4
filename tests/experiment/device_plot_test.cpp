#include "meltquench/experiment/device_plot.h"

#include <gtest/gtest.h>

#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/experiment/device_sample.h"
#include "meltquench/experiment/svg_panels.h"
#include "well_formed.h"

namespace mq {
namespace {

TEST(DevicePlot, IsAWellFormedFileOfItsOwnAndTheSameEveryTime) {
  for (const char* name : {"ideal", "pcm", "sonos", "constant-step"}) {
    const std::string svg = device_plot_of(name);
    EXPECT_EQ(test::xml_problem(svg), "") << name;
    EXPECT_TRUE(svg.starts_with("<svg xmlns=")) << name;
    EXPECT_TRUE(svg.ends_with("</svg>\n")) << name;
    EXPECT_EQ(svg.find("nan"), std::string::npos) << name;
    EXPECT_EQ(svg.find("inf"), std::string::npos) << name;
    EXPECT_EQ(device_plot_of(name), svg) << name;
  }
}

TEST(DevicePlot, ShowsWhatTheDeviceHas) {
  const auto shows = [](const char* name, const char* panel) {
    return device_plot_of(name).find(panel) != std::string::npos;
  };
  EXPECT_TRUE(shows("pcm", "Read noise"));
  EXPECT_FALSE(shows("rram-wan", "Read noise"));
  EXPECT_TRUE(shows("rram-wan", "Reads over time"));
  EXPECT_FALSE(shows("pcm", "Pulses up"));
  EXPECT_TRUE(shows("soft-bounds", "Pulses up"));
  EXPECT_TRUE(shows("soft-bounds", "Change by one pulse"));
  EXPECT_FALSE(shows("soft-bounds", "Reads over time"));
  EXPECT_THROW(device_plot_of("tile"), ConfigError);
}

TEST(DevicePlot, FollowsTheParameters) {
  Pcm::Params quiet;
  quiet.read_noise_scale = 0.0f;
  EXPECT_EQ(device_plot(quiet, "quiet").find("Read noise"), std::string::npos);
  EXPECT_NE(device_plot(quiet, "a < b").find("a &lt; b"), std::string::npos);
}

TEST(DeviceSample, HasTheMomentsOfTheModel) {
  // 4000 cells, five standard errors.
  const Pcm::Params p;
  const ProgrammedCells<Pcm> cells(p, 12.5_uS);
  const SampleMoments g = cells.conductances(0.0);
  EXPECT_NEAR(g.deviation / 1.0_uS, 0.953, 5.0 * 0.953 / std::sqrt(8000.0));
  EXPECT_NEAR(g.mean / 1.0_uS, 12.5, 5.0 * 0.953 / std::sqrt(4000.0));
  EXPECT_NEAR(cells.reads(86400.0).mean / 1.0_uS, 8.309, 5.0 * 1.027 / std::sqrt(4000.0));
  EXPECT_NEAR(cells.read_errors(0.0).mean / 1.0_uS, 0.0, 5.0 * 0.65 / std::sqrt(4000.0));
}

TEST(DeviceSample, PulsesGoUpAndComeDownAgain) {
  ConstantStep::Params p;
  p.bound_spread_scale = p.cycle_noise_scale = 0.0f;
  const PulsedSample<ConstantStep> sample(p);
  const PulseCurve curve = sample.up_and_down();
  ASSERT_EQ(curve.points.size(), 61u);
  EXPECT_NEAR(curve.points.front().g.mean, p.g_min, 1e-9);
  EXPECT_NEAR(curve.points[30].g.mean, p.g_max, 0.02 * p.g_max);
  EXPECT_NEAR(curve.points.back().g.mean, p.g_min, 0.02 * p.g_max);
  const SampleQuantiles step = sample.steps(15.0_uS, true);
  EXPECT_LT(step.low, step.median);
  // 1000 devices, 30 % between them, five standard errors of a median.
  EXPECT_NEAR(step.median, p.step, 5.0 * 1.25 * 0.3 / std::sqrt(1000.0) * p.step);
}

TEST(SvgPanels, StandInRowsUnderTheirTitles) {
  const std::vector<LinePlot> panels(3, {.title = "one & two", .width = 100, .height = 80});
  const std::string svg = svg_panels("all", panels, 2);
  EXPECT_EQ(test::xml_problem(svg), "");
  EXPECT_NE(svg.find("one &amp; two"), std::string::npos);
  EXPECT_NE(svg.find("<svg x=\"116\" y=\"56\""), std::string::npos) << svg.substr(0, 800);
  EXPECT_NE(svg.find("<svg x=\"0\" y=\"174\""), std::string::npos);
}

}  // namespace
}  // namespace mq
