/// Stepwise estimates of phase-change cells: cell by cell, then per bin of the target, then laws through the
/// bins. They show the laws, decide their form, and start the search for the maximum of the likelihood.
#pragma once

#include <span>
#include <vector>

#include "meltquench/devices/fit/drift_per_cell.h"
#include "meltquench/devices/fit/measurements.h"
#include "meltquench/devices/fit/pcm_likelihood.h"

namespace mq {

/// The cells of similar targets.
struct PcmBin {
  double log_x = 0.0;  ///< mean of ln(target / g_max)
  double x = 0.0;
  int cells = 0;
  SpreadEstimate nu{};
  SpreadEstimate miss{};  ///< (g - target) / g_max right after programming, read noise taken off
  double read_noise = 0.0, read_noise_error = 0.0;  ///< amplitude q
};

/// Up to 30 bins; targets that are few and equal are bins of their own.
std::vector<PcmBin> drift_bins(const ReadsByCell& reads, const PcmSetting& setting);
/// As above from one read per cell; `read_noise` = {c, b} is taken off.
std::vector<PcmBin> programming_bins(const ReadsByCell& reads, const PcmSetting& setting,
                                     std::span<const double> read_noise);

/// The law through points with errors; the form is the one of least chi2 + parameters ln(points), up to
/// `most`.
struct FittedLaw {
  LawForm form = LawForm::constant;
  std::vector<double> parameters{};
  double chi2 = 0.0;
  double freedom = 0.0;
};
FittedLaw fit_law(std::span<const double> log_x, std::span<const double> values,
                  std::span<const double> errors, LawForm most = LawForm::clipped);
FittedLaw fit_nu_mean(const std::vector<PcmBin>& bins, LawForm most = LawForm::clipped);
FittedLaw fit_nu_sigma(const std::vector<PcmBin>& bins, LawForm most = LawForm::clipped);
/// p0 ... of the spread of one write over x, in units of g_max.
std::vector<double> fit_prog_noise(const std::vector<PcmBin>& bins, int terms);
/// {c, b} of the read noise c x^b.
std::vector<double> fit_read_noise(const std::vector<PcmBin>& bins);

}  // namespace mq
