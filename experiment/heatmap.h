/// Heatmaps of a matrix: an image with one pixel per element, and the colour bar that explains it.
#pragma once

#include <span>
#include <string>

#include "meltquench/experiment/color_map.h"

namespace mq {

/// What the two ends of a colour map stand for; `low` < `high`.
struct ColorScale {
  ColorMap map = ColorMap::viridis;
  double low = 0;
  double high = 1;
  bool is_open_low =
      false;  ///< values below `low` occur and take its colour; the colour bar shows it as a pointed end
  bool is_open_high = false;
};

/// The scale that shows `values` best: sequential from 0 for values of one sign (from the smallest if all lie
/// far from 0), diverging and symmetric about 0 if both signs occur. A few outliers do not darken everything
/// else: an end moves in to the 0.5th or 99.5th percentile where the extreme lies more than a quarter further
/// from 0, and is then open. Values that are not finite do not count.
ColorScale scale_around(std::span<const float> values);

/// PNG of `values` [rows, cols], row-major, first row on top; elements that are not finite are mid-grey,
/// those outside the scale take its ends. Throws ShapeError if rows * cols differs from the number of values
/// or is 0.
std::vector<std::uint8_t> heatmap_png(std::span<const float> values, int rows, int cols,
                                      const ColorScale& scale);

/// A horizontal colour bar with ticks as an <svg> element. Numbers are printed in `unit` with an SI prefix.
/// `id` must be unique on the page and fit an XML identifier.
std::string svg_color_bar(const ColorScale& scale, const std::string& unit, const std::string& id);

}  // namespace mq
