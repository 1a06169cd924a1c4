/// Line plots as inline SVG: several series with bands and reference lines, for a page or on its own.
///
/// Colours come from the CSS variables --series-1 ... --series-7 of the page, with a palette that
/// colour-blind readers can tell apart as default (M. Okabe and K. Ito, "Color Universal Design", 2008);
/// series differ in marker shape as well, for print. All other ink is `currentColor`. Equal plots give equal
/// bytes under every locale.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "meltquench/experiment/plot_axis.h"

namespace mq {

struct PlotPoint {
  double x;
  double y;
  double low = std::numeric_limits<double>::quiet_NaN();  ///< band; NaN: none here
  double high = std::numeric_limits<double>::quiet_NaN();
  std::string note = {};  ///< shown when the reader points at the marker; empty: none
};

/// Points are joined in the order given. A point that is not finite (or not positive on a log axis) is left
/// out and interrupts the line.
struct PlotSeries {
  std::string name = {};  ///< empty: not in the legend
  int color = 0;          ///< place in the palette, counted from 0 and taken modulo its size
  std::vector<PlotPoint> points = {};
  bool has_markers = true;  ///< off for a curve of many points
};

/// A dashed line across the plot. Lines of one name share one entry of the legend.
struct PlotLine {
  std::string name = {};
  int color = 0;
  double y = 0;
  std::string note = {};
};

struct LinePlot {
  std::string title = {};  ///< read out to those who cannot see the plot; not drawn
  std::string x_title = {};
  std::string y_title = {};
  AxisKind x_kind = AxisKind::linear;
  std::vector<PlotTick> x_ticks = {};  ///< empty: chosen; labels that would touch the one before are left out
  std::string band_name = {};          ///< entry of the legend for the bands; empty: none
  double y_least_span = 0;             ///< the y axis never spans less
  std::vector<PlotSeries> series = {};
  std::vector<PlotLine> lines = {};
  int width = 560;  ///< pixels; the drawing scales with its container
  int height = 350;
};

/// The <svg> element, well-formed XML, without a line end.
std::string svg_plot(const LinePlot& plot);

/// CSS colour of palette entry `color`: "var(--series-1,#0072b2)".
std::string series_color(int color);

}  // namespace mq
