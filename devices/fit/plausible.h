/// Whether columns of measurements can belong to one device: units that differ within a column, or from those
/// of another one, and times at which nothing can be read. Ranges of single numbers are checked where they
/// are read (csv_columns.h), but measurements may come from elsewhere.
#pragma once

#include "meltquench/devices/fit/measurements.h"

namespace mq {

/// `g_max` [S]: the largest conductance that the device is said to have; `t_read` [s]: width of the read
/// pulse. Throws DataError that names a cell.
void check_plausible_cells(const Measurements& all, double g_max, double t_read);
/// Throws DataError that names a cell, also for a pulse that is there twice.
void check_plausible_pulses(const PulseReads& pulses);

}  // namespace mq
