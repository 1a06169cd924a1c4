/// The search for the maximum of the likelihood of phase-change cells, over forms that the reads can carry.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meltquench/devices/fit/maximize.h"
#include "meltquench/devices/fit/pcm_likelihood.h"
#include "meltquench/devices/fit/pcm_start.h"

namespace mq {

/// What the stepwise estimates leave to the search.
struct PcmStart {
  PcmForm form{};               ///< its terms and what it holds; the laws of nu come from the bins
  std::vector<PcmBin> drift{};  ///< empty: nothing was read over time
  std::vector<PcmBin> written{};
  double nu_mean = 0.0, nu_sigma = 0.0;  ///< held where nothing was read over time
};

/// Where the errors of the estimates come from.
enum class Intervals {
  robust,       ///< sandwich: also right where the device does not follow the model exactly
  information,  ///< Fisher information: right if it does, and several times faster
};

struct PcmMaximum {
  PcmForm form{};
  PcmLikelihood likelihood;
  Maximum maximum{};
  SymmetricMatrix covariance{};
  bool has_settled = false;
};

/// Climbs from the form that the bins suggest, and where that does not settle, or at no true maximum, from
/// ever simpler ones, which a
/// sentence in `notes` names: few cells suggest laws that are not there. The last one is returned, settled or
/// not. Throws DataError if no form explains the reads.
PcmMaximum search_pcm(const ReadsByCell& cells, const PcmSetting& setting, const PcmStart& start,
                      Intervals intervals, std::vector<std::string>& notes);

}  // namespace mq
