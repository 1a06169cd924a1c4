/// The picture of a fit: measurements with their 95 % intervals against the fitted model, one plot per
/// property.
#pragma once

#include <string>

#include "meltquench/devices/fit/fit.h"

namespace mq {

/// One SVG file, plots one below the other. Throws DataError if the fit has nothing to show.
std::string fit_picture(const FitResult& result);

}  // namespace mq
