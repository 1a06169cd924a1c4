/// Bar charts as inline SVG: how often each of many whole numbers occurs.
///
/// Colours and ink as in svg_plot.h. Equal charts give equal bytes under every locale.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mq {

struct BarChart {
  std::string title = {};  ///< read out to those who cannot see the chart; not drawn
  std::string x_title = {};
  std::string y_title = {};
  std::int64_t first = 0;           ///< the number that values[0] belongs to
  std::vector<double> values = {};  ///< not negative
  std::size_t marked_ends = 0;      ///< so many bars at either end have a colour of their own
  std::string marked_name = {};     ///< entry of the legend for these; empty: none
  int width = 470;                  ///< pixels; the drawing scales with its container
  int height = 250;
};

/// The <svg> element, well-formed XML, without a line end. More than 256 numbers are added up in bins of
/// equal width, which the title of the x axis states; marked ends keep bars of their own.
std::string svg_bars(const BarChart& chart);

}  // namespace mq
