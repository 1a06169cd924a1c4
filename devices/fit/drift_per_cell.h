/// Drift exponent of each cell by itself: the line ln g = a - nu ln(age / t0) through its reads, with each
/// cell's own time since its last pulse (an array's time would bias nu where programming took as long as the
/// first reads).
#pragma once

#include <vector>

#include "meltquench/devices/fit/maximize.h"
#include "meltquench/devices/fit/measurements.h"
#include "meltquench/devices/fit/pcm_likelihood.h"

namespace mq {

/// How the reads of one cell are weighed against each other.
enum class ReadWeights {
  equal,       ///< ordinary least squares
  white,       ///< 1 / L^2: the 1/f noise of devices/pcm.h, drawn anew for every read
  correlated,  ///< generalised: 1/f noise that goes on between the reads (read_noise_covariance)
};

struct CellDrift {
  double target = 0.0;     ///< [S]
  double first_age = 0.0;  ///< [s] at its first read
  double g = 0.0;          ///< [S] at t0
  double nu = 0.0;
  double g_unit = 0.0;    ///< standard error of ln g for read noise of amplitude 1
  double nu_unit = 0.0;   ///< standard error of nu for read noise of amplitude 1
  double residual = 0.0;  ///< weighted sum of squared residuals: read-noise amplitude^2 times chi2
  int freedom = 0;        ///< reads - 2
};

/// One entry per cell that has two reads above 0 at different times. Where a read is not above 0 the fit is
/// one of g, not of ln g, by Gauss-Newton steps.
std::vector<CellDrift> drift_per_cell(const ReadsByCell& reads, const PcmSetting& setting,
                                      ReadWeights weights);

/// Covariance, in units of the amplitude squared, of 1/f noise read at `ages` [s] of one cell: a bank of
/// Ornstein-Uhlenbeck processes, two per decade, with rates between 2 pi / (oldest age) and 2 pi / (2
/// t_read). Its diagonal is ln(f_high / f_low).
SymmetricMatrix read_noise_covariance(std::span<const double> ages, double t_read);

/// Mean, and spread between cells, of quantities known with errors: variance of the values minus mean square
/// of the errors, floored at a hundredth of the former.
struct SpreadEstimate {
  double mean = 0.0, mean_error = 0.0;
  double sigma = 0.0, sigma_error = 0.0;
};
SpreadEstimate deconvolved_spread(std::span<const double> values, std::span<const double> errors);

}  // namespace mq
