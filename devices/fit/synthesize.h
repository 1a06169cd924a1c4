/// Synthetic measurements: what a preset's devices would show on a prober. The cells are those of the device
/// models themselves, drawn by `Rng`, so that a fit is tested against the model and not against a second
/// formula.
#pragma once

#include <cstdint>
#include <vector>

#include "meltquench/devices/device.h"
#include "meltquench/devices/fit/measurements.h"

namespace mq {

struct DriftExperiment {
  int cells = 10'000;
  /// Relative targets. Empty: continuous, with a uniform logarithm from `least_x` to 1.
  std::vector<double> levels{};
  double least_x = 0.05;
  /// Times of the reads [s], counted from the end of the programming of the whole array.
  std::vector<double> read_times{30.0, 300.0, 3'000.0, 30'000.0, 300'000.0};
  /// The cells are programmed in random order during so many seconds.
  double programming_time = 0.0;
  std::uint64_t seed = 1;
};

/// Age of a cell of this device at the reference read [s]; 1 s where the model has none.
double reference_age(const DeviceParams& device);

/// An experiment with five reads, a decade apart, that fits the device: the first at one and a half times the
/// age of the reference read.
DriftExperiment drift_experiment(const DeviceParams& device, int cells, double programming_time,
                                 std::uint64_t seed);

/// Conductance over time. Throws ConfigError if a read would come before the device's reference read.
CellReads synthesize_drift(const DeviceParams& device, const DriftExperiment& experiment);

/// One read per cell, at the age of the reference read; the share `failing` of the cells did not converge and
/// lies anywhere between 0 and g_max.
CellReads synthesize_programming(const DeviceParams& device, int cells, const std::vector<double>& levels,
                                 double failing, std::uint64_t seed);

struct PulseExperiment {
  int cells = 200;
  int sequences = 1;  ///< of each cell, every one from a fresh start
  int pulses = 100;   ///< in each direction, one by one
  std::uint64_t seed = 1;
};

/// A cell is fabricated anew for each sequence with the same device-to-device draws, read, pulsed up, and
/// then down where pulses down do something. Throws ConfigError if the model takes no pulses.
PulseReads synthesize_pulses(const DeviceParams& device, const PulseExperiment& experiment);

/// Averaged periodograms of cells at the relative targets `levels`: the density that the model's read noise
/// has, g^2 q^2 / f, times the scatter of eight segments. Throws ConfigError unless the model is `pcm`.
NoiseSpectra synthesize_spectra(const DeviceParams& device, const std::vector<double>& levels,
                                std::uint64_t seed, int segments = 8, double white_floor = 0.0);

}  // namespace mq
