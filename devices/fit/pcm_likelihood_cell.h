/// What PcmLikelihood knows of a single cell while it looks at it; for its own .cpp files.
#pragma once

#include "meltquench/devices/fit/pcm_likelihood.h"

namespace mq {

struct PcmLikelihood::Local {
  double prog_sigma, mean, sigma, log_c, b;
  LawValue mean_law, sigma_law;
};

struct PcmLikelihood::CellScore {
  double log_likelihood, by_prog, by_mean, by_sigma, by_log_c, by_b;
};

/// The reads of a cell undone by the drift of one exponent, and the conductance that fits them best.
struct PcmLikelihood::Profile {
  double sum, squares;  // of h / L^2 and h^2 / L^2
  double g, precision;  // posterior of the conductance
  double log_density;   // of data, conductance at its mode (Laplace) and exponent
  double chi2;
};

}  // namespace mq
