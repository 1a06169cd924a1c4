/// Several plots in one SVG file that stands on its own: panels in rows, each under its title.
///
/// A page that shows it as an image cannot style it, so the file brings ink for light and for dark pages with
/// it. Equal panels give equal bytes under every locale.
#pragma once

#include <string>
#include <vector>

#include "meltquench/experiment/svg_plot.h"

namespace mq {

/// The text of the file, with a line end; `title` is the heading, `columns` >= 1 panels stand in a row.
std::string svg_panels(const std::string& title, const std::vector<LinePlot>& panels, int columns);

}  // namespace mq
