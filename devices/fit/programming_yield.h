/// Yield of programming: which cells converged, told from those that did not by how far they missed.
///
/// Misses are a mixture of a normal of the spread of converged cells and a uniform over the whole range:
/// expectation and maximisation by turns, A. P. Dempster, N. M. Laird, D. B. Rubin, J. R. Stat. Soc. B 39, 1
/// (1977).
#pragma once

#include <vector>

#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/measurements.h"

namespace mq {

struct YieldFit {
  Estimate yield{};               ///< share of cells that converged
  std::vector<bool> converged{};  ///< per cell: more probable than not
};

/// One row per cell; the spread is that of cells with similar targets.
YieldFit fit_yield(const CellReads& reads, double g_max);

}  // namespace mq
