/// Parameters of the model `soft-bounds` from pulses up and down.
///
/// A pulse up moves a device by r (high - g) (1 + c xi): a line over g whose zero is the bound. Each device
/// gets its own two lines by least squares, weighted by the step itself and iterated; the spread of devices
/// is the variance of these values less the mean square of their errors, so the split between devices and
/// cycles is that of an analysis of variance (S. R. Searle, G. Casella, C. E. McCulloch, Variance Components,
/// Wiley (1992)).
#pragma once

#include "meltquench/devices/fit/fit.h"

namespace mq {

/// Devices need 10 pulses up and 10 down. Throws DataError if fewer than 5 devices have them, or if the steps
/// do not shrink towards bounds.
FitResult fit_soft_bounds(const PulseReads& pulses);

}  // namespace mq
