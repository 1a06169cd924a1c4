/// Colour maps for heatmaps, piecewise linear in sRGB between their published colours.
#pragma once

#include <string>
#include <vector>

#include "meltquench/experiment/png.h"

namespace mq {

enum class ColorMap {
  viridis,  ///< sequential, perceptually uniform: S. van der Walt and N. Smith, matplotlib 2.0 (2015), CC0
  red_blue  ///< diverging, blue to white to red: C. Brewer, "RdBu" with 11 classes, colorbrewer2.org,
            ///< Apache-2.0
};

/// The published colours, evenly spaced from low to high.
const std::vector<Rgb>& color_map_points(ColorMap map);

/// Colour at `place` in [0, 1]; places outside take the nearest end. Expects a number, not NaN.
Rgb color_at(ColorMap map, double place);

/// "#rrggbb".
std::string css_color(const Rgb& color);

}  // namespace mq
