/// Curves of the picture of a fit of `pcm`: data with their errors against what the fitted device says.
#pragma once

#include "meltquench/devices/fit/fit.h"
#include "meltquench/devices/fit/pcm_fit.h"
#include "meltquench/devices/fit/spectrum_fit.h"

namespace mq {

/// The laws over the target: what cells of similar targets say, and the line that all of them gave.
void append_pcm_panels(FitResult& result, const PcmFit& fit, bool has_drift);
/// Mean conductance over time relative to the target, with the model's expectation for the same cells.
void append_drift_panel(FitResult& result, const CellReads& reads, const Pcm::Params& p);
/// Amplitude of the read noise over the conductance.
void append_spectrum_panels(FitResult& result, const SpectrumFit& fit, double g_max);

}  // namespace mq
