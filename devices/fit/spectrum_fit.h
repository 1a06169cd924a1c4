/// 1/f noise from spectra: amplitude, slope and how the amplitude depends on the conductance.
///
/// A trace of mean conductance g has the one-sided density S(f) = g^2 Q / f^gamma + W, W being the white
/// floor of the amplifier. One periodogram scatters about S like an exponential variable, whose logarithm has
/// the mean -0.5772 and the variance pi^2 / 6; for spectra that were averaged over n segments, psi(n) - ln n
/// and psi'(n). ln S of all frequencies is fitted by Gauss-Newton steps, with n as the scatter shows it. The
/// amplitude of the model is q = sqrt(Q), fitted by c x^b over x = g / g_max.
#pragma once

#include <vector>

#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/measurements.h"

namespace mq {

/// All spectra of one mean conductance.
struct SpectrumPoint {
  double g = 0.0;  ///< [S]
  Estimate q{}, gamma{};
  double floor = 0.0;  ///< white floor [S^2/Hz]
  int frequencies = 0;
};

struct SpectrumFit {
  std::vector<SpectrumPoint> points{};  ///< per conductance, ascending
  std::vector<Estimate> estimates{};    ///< read_noise.offset (c), read_noise.slope (b), gamma
  std::vector<Goodness> goodness{};
  std::vector<double> law{};  ///< {c, b}
};

/// Throws DataError if a conductance has fewer than 8 frequencies.
SpectrumFit fit_spectra(const NoiseSpectra& spectra, double g_max);

}  // namespace mq
