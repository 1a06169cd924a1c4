/// Whether reads tell the parameters of `pcm` that a fit found: enough time between them, intervals narrower
/// than what the parameters can be, and values that phase-change cells can have.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "meltquench/devices/fit/maximize.h"
#include "meltquench/devices/fit/measurements.h"
#include "meltquench/devices/fit/pcm_likelihood.h"

namespace mq {

/// Throws DataError unless most cells were read over at least a factor of two of their age. In less time 1/f
/// noise, temperature and contacts change a conductance as much as drift does, and no interval shows that.
void check_time_span(const ReadsByCell& reads);

/// Whether the conductance at t0 is that of the targets. Throws DataError where cells that were first read at
/// very different ages disagree about it, as they do if units of time are mixed. A common factor is no
/// parameter of `pcm`: a note says how large it is beyond 10 %.
void check_conductance_at_t0(const ReadsByCell& reads, const PcmSetting& setting,
                             std::vector<std::string>& notes);

/// Looks at the laws at the measured targets `log_x`, with `covariance` of the parameters `at` in the order
/// of `form`. Throws DataError that names the law: where its interval is wider than 0.2 (drift exponents) or
/// 1 (noise relative to g_max or to the conductance), and for a mean exponent that lies beyond 0 and 1, or a
/// noise beyond 1, with its whole interval.
void check_pcm_told(const PcmForm& form, std::span<const double> at, const SymmetricMatrix& covariance,
                    std::span<const double> log_x, bool has_drift);

}  // namespace mq
