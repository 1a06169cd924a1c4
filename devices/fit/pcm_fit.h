/// Parameters of the model `pcm` from measurements: stepwise estimates first, then the maximum of the
/// likelihood of the whole chain, whose errors reach the Fisher bound where those of the steps do not.
#pragma once

#include <string>
#include <vector>

#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/pcm_likelihood.h"
#include "meltquench/devices/fit/pcm_search.h"
#include "meltquench/devices/fit/pcm_start.h"
#include "meltquench/devices/pcm.h"

namespace mq {

struct PcmFitOptions {
  Pcm::Params base{};  ///< t0, t_read, and what the data do not tell
  double g_max = 0.0;  ///< [S]; 0: the largest target
  int prog_terms = 3;  ///< terms of the polynomial of the programming noise, 1 to 4
  Intervals intervals = Intervals::robust;
};

struct PcmFit {
  Pcm::Params params{};
  PcmForm form{};
  std::vector<double> at{};           ///< the parameters as PcmForm orders them
  std::vector<Estimate> estimates{};  ///< of those that the data tell
  std::vector<Goodness> goodness{};
  std::vector<std::string> notes{};  ///< sentences: what was held, what was left out
  std::vector<PcmPoint> points{};    ///< what cells of similar targets say for themselves
  bool has_converged = false;
  long cells = 0, rows = 0;  ///< that the likelihood holds
};

/// Conductance over time, programming histograms or both. `read_noise`: {c, b} of c x^b from noise spectra,
/// which is then held; empty: taken from the reads. Throws DataError if there is too little to fit, or if it
/// does not tell the parameters (pcm_told.h).
PcmFit fit_pcm(const CellReads& over_time, const CellReads& programmed, const std::vector<double>& read_noise,
               const PcmFitOptions& options);

}  // namespace mq
