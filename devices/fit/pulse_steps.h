/// Conductance over pulses as single steps.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "meltquench/devices/fit/measurements.h"

namespace mq {

/// What one pulse did to a device.
struct PulseStep {
  double g = 0.0;       ///< before [S]
  double change = 0.0;  ///< by the pulse [S]
  bool is_up = true;
  std::int64_t sequence = 0;
  std::int64_t pulse = 0;  ///< number of the pulse in its sequence
};

/// The steps of each cell, in order; a step needs the rows of two neighbouring pulses.
std::map<std::int64_t, std::vector<PulseStep>> steps_by_cell(const PulseReads& pulses);

/// Rows that these steps of one cell come from.
long rows_of(const std::vector<PulseStep>& steps);

}  // namespace mq
