/// Where a run leaves what its device models were measured for or are meant for.
#pragma once

#include <string>
#include <vector>

#include "meltquench/experiment/run_config.h"

namespace mq {

/// A sentence for each: a temperature outside of the range of the model, a time past the last measurement.
/// Looks at the hardware everywhere and at that of each of `layers`.
std::vector<std::string> validity_warnings(const RunConfig& run, const std::vector<std::string>& layers);

}  // namespace mq
