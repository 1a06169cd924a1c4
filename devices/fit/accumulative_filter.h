/// Likelihood of runs of pulses of `accumulative-pcm`: the hidden conductance is followed by a Kalman filter
/// whose moments are those of a normal cut at the floor. Conductances in uS.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "meltquench/devices/fit/dual.h"
#include "meltquench/devices/fit/maximize.h"

namespace mq::accumulative {

enum Parameter : std::size_t {
  kStepOffset,
  kStepSlope,
  kStepMemory,
  kNoiseOffset,
  kNoiseSlope,
  kNoiseMemory,
  kMemoryPulses,
  kReadSlope,
  kReadFloor,
  kReset,
  kSize
};
inline constexpr double kResetNoise =
    0.1;  // of the conductance after RESET; behind the read noise it cannot be told

using Number = Dual<kSize>;

/// One run of pulses after a RESET, in uS.
struct Sequence {
  std::int64_t cell = 0;
  std::vector<double> g;
};

/// What a sequence shows beside its likelihood.
struct Trace {
  double miss = 0.0;           // sum of innovations over the sum of mean steps
  std::vector<double> each{};  // innovations in standard deviations, from pulse 0 on
};

/// Fills `trace` unless it is null.
Number log_likelihood(const Sequence& sequence, const std::array<Number, kSize>& t, Trace* trace);
/// Of all sequences; -inf where the parameters make no sense.
Scores scores_of(const std::vector<Sequence>& sequences, std::span<const double> theta);
/// Regression of the steps on (1, g, P) for mean and scatter, at the time constant that leaves the least; no
/// read noise taken off: a start.
std::vector<double> start_of(const std::vector<Sequence>& sequences);

}  // namespace mq::accumulative
