/// A table of measured steps for the model `lookup-step` from conductance over pulses.
///
/// The steps of each direction are sorted by the conductance before the pulse into up to 16 classes, of which
/// at least half have 100 steps or more; their middles lie at equal distances. Within a class the steps are
/// shifted along their regression line to its middle; their empirical quantiles at Phi(-3.5), ..., Phi(3.5)
/// are the row of the table (devices/step_tables.h). A class with fewer steps takes the row of the nearest
/// that has enough. Devices and cycles are not told apart, and what reading adds to a step stays in it: the
/// distributions are those of any device of the array as it was read.
#pragma once

#include "meltquench/devices/fit/fit.h"

namespace mq {

/// Throws DataError if not even two classes have enough steps, or if no step moves anything.
FitResult fit_lookup(const PulseReads& pulses);

}  // namespace mq
