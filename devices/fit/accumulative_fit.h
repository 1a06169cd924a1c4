/// Parameters of the model `accumulative-pcm` from partial-SET pulses after RESET.
///
/// With P = exp(-n / memory_pulses) after n pulses, xi standard normal:
///     g_n = max(g_(n-1) + mu + sigma xi, floor),  mu = step_offset + step_slope g + step_memory P,
///                                                 sigma = noise_offset + noise_slope g + noise_memory P
///     read  y_n = g_n + (read_slope g_n + read_floor) xi
/// Regression of y_n - y_(n-1) on y_(n-1) would be biased: the read noise stands on both sides. Here the
/// conductance is hidden and followed by a Kalman filter (R. E. Kalman, J. Basic Eng. 82, 35 (1960)) whose
/// moments are those of the cut normal, and the likelihood of its innovations is climbed for all parameters
/// at once, the time constant of the memory included. The filter is exact to second moments only, so the
/// intervals are robust ones. Source of the model: S. R. Nandakumar et al., J. Appl. Phys. 124, 152135
/// (2018), doi:10.1063/1.5042408.
#pragma once

#include "meltquench/devices/fit/fit.h"

namespace mq {

/// Every sequence starts with pulse 0, the state after RESET; reads are made t0 after a pulse. Cells that
/// show several sequences also tell how much of the noise belongs to the device (step_spread). Throws
/// DataError if there are fewer than 50 sequences of 4 pulses.
FitResult fit_accumulative(const PulseReads& pulses);

/// Split of the relative deviation of whole sequences into devices and cycles: (mean square between devices -
/// mean square within) / sequences per device, for devices with equal numbers of sequences.
struct VarianceSplit {
  Estimate between{};  ///< standard deviation between devices
  double within = 0.0;
  int devices = 0;
};
VarianceSplit split_variance(const std::vector<std::vector<double>>& of_device);

}  // namespace mq
