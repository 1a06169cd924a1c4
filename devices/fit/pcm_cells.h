/// Which cells a fit of `pcm` takes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/measurements.h"
#include "meltquench/devices/fit/pcm_likelihood.h"

namespace mq {

inline constexpr std::size_t kLeastPcmCells = 20;  ///< fewer say nothing of a spread

inline constexpr double kLeastPcmTarget = 2e-3;  ///< of g_max: below, ln x is a matter of the floor

/// The rows of cells with a target above that; `left_out` grows by the cells without. Reads of unknown age
/// get t0.
CellReads usable_reads(const CellReads& reads, const PcmSetting& setting, std::size_t& left_out);

/// Leaves out the cells that did not converge when they were programmed, judged by their first read; a note
/// says how many. The yield of verifying reads (`is_verify`) is appended to `estimates`.
CellReads without_failures(const CellReads& reads, const PcmSetting& setting, bool is_verify,
                           std::vector<Estimate>& estimates, std::vector<std::string>& notes);

}  // namespace mq
