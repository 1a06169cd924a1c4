/// What approximations cost: each one against its exact counterpart, on fixed random draws.
///
/// All arithmetic of the tiles is bit-exact, so every machine finds the same numbers to more digits than are
/// worth printing. docs/accuracy.md is made of them.
#pragma once

#include <string_view>
#include <vector>

namespace mq {

struct MeasuredAccuracy {
  std::string_view what;     ///< "Weights as 16-bit codes"
  std::string_view exact;    ///< what it stands for: "weights as real numbers"
  std::string_view measure;  ///< what `error` is and on which case
  double error = 0.0;        ///< without unit
  /// Spread of `error` by the sample size alone; 0: not a statistical measure.
  double sampling_error = 0.0;
  std::string_view where;  ///< the file that approximates
};

/// Takes some seconds of one core. Uses Backend::cpu, and Backend::reference as a counterpart.
std::vector<MeasuredAccuracy> measured_accuracies();

}  // namespace mq
