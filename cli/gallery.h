/// docs/theory/README.md, the gallery of device models, and its figures.
#pragma once

#include <vector>

#include "meltquench/cli/reference.h"

namespace mq::cli {

/// Names of models and presets with a figure of their own: all but presets that equal their model's defaults.
std::vector<std::string> figure_names();

/// README.md and figures/NAME.svg, as places below docs/theory.
std::vector<Page> gallery_pages();

}  // namespace mq::cli
