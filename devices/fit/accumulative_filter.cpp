#include "meltquench/devices/fit/accumulative_filter.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mq::accumulative {
namespace {

bool makes_sense(std::span<const double> t) {
  const double high = 30.0;  // uS: beyond what cells of this kind reach
  return t[kNoiseOffset] > 0.0 && t[kNoiseOffset] + t[kNoiseSlope] * high > 0.0 &&
         t[kNoiseMemory] > -t[kNoiseOffset] && t[kMemoryPulses] > 0.05 && t[kMemoryPulses] < 1e3 &&
         t[kReadFloor] > 1e-4 && t[kReadSlope] > -1e-3 && t[kReset] > 1e-3;
}

}  // namespace

Number log_likelihood(const Sequence& sequence, const std::array<Number, kSize>& t, Trace* trace) {
  Number mean = t[kReset], variance = t[kReset] * t[kReset] * Number(kResetNoise * kResetNoise), total(0.0);
  double innovations = 0.0, steps = 0.0;
  const Number forgets = exp(Number(-1.0) / t[kMemoryPulses]);
  Number memory(1.0);
  for (std::size_t n = 0; n < sequence.g.size(); ++n) {
    if (n > 0) {
      memory = memory * forgets;
      const Number step = t[kStepOffset] + t[kStepSlope] * mean + t[kStepMemory] * memory;
      const Number sigma = t[kNoiseOffset] + t[kNoiseSlope] * mean + t[kNoiseMemory] * memory;
      const Number growth = Number(1.0) + t[kStepSlope];
      mean = mean + step;
      variance = variance * (growth * growth + t[kNoiseSlope] * t[kNoiseSlope]) + sigma * sigma;
      // Moments of the larger of a normal and the floor.
      const Number spread = sqrt(variance), above = mean - t[kReset], edge = above / spread;
      if (edge.v < 6.0) {
        const Number share = normal_cdf(edge), density = normal_density(edge);
        const Number first = above * share + spread * density;
        const Number second = (variance + above * above) * share + above * spread * density;
        mean = t[kReset] + first;
        variance = second - first * first;
      }
      steps += step.v;
    }
    const Number noise = t[kReadFloor] + t[kReadSlope] * mean;
    const Number scatter = variance + noise * noise + t[kReadSlope] * t[kReadSlope] * variance;
    const Number innovation = Number(sequence.g[n]) - mean;
    if (sequence.g[n] <= 0.0) {  // cut at 0 by the reader: no more is known than that it lay below
      const Number edge = mean / sqrt(scatter);
      if (edge.v < 30.0) total = total + log(normal_cdf(Number(-1.0) * edge));
      continue;
    }
    total = total - Number(0.5) * (log(scatter) + innovation * innovation / scatter);
    if (n > 0) innovations += innovation.v;
    if (trace != nullptr) trace->each.push_back(innovation.v / std::sqrt(scatter.v));
    const Number gain = variance / scatter;
    mean = mean + gain * innovation;
    variance = variance * (Number(1.0) - gain);
  }
  if (trace != nullptr) trace->miss = innovations / steps;
  return total;
}

Scores scores_of(const std::vector<Sequence>& sequences, std::span<const double> theta) {
  Scores scores(kSize);
  if (!makes_sense(theta)) {
    scores.value = -std::numeric_limits<double>::infinity();
    return scores;
  }
  std::array<Number, kSize> t;
  for (std::size_t i = 0; i < kSize; ++i) t[i] = Number::parameter(theta[i], i);
  for (const Sequence& sequence : sequences) {
    const Number value = log_likelihood(sequence, t, nullptr);
    scores.add(value.v, value.d);
  }
  return scores;
}

std::vector<double> start_of(const std::vector<Sequence>& sequences) {
  std::vector<double> best;
  double least = std::numeric_limits<double>::infinity();
  double reset = 0.0, reset2 = 0.0;
  for (const Sequence& s : sequences) reset += s.g[0], reset2 += s.g[0] * s.g[0];
  const double n = static_cast<double>(sequences.size());
  reset /= n;
  const double scatter = std::sqrt(std::max(reset2 / n - reset * reset, 1e-6));
  for (const double pulses : {1.0, 1.5, 2.2, 3.2, 4.7, 7.0}) {
    std::vector<double> design, changes, weights;
    for (const Sequence& s : sequences) {
      for (std::size_t k = 1; k < s.g.size(); ++k) {
        design.insert(design.end(), {1.0, s.g[k - 1], std::exp(-static_cast<double>(k) / pulses)});
        changes.push_back(s.g[k] - s.g[k - 1]);
      }
    }
    weights.assign(changes.size(), 1.0);
    const LeastSquares mean = least_squares(design, changes, weights);
    if (mean.chi2 >= least) continue;
    least = mean.chi2;
    std::vector<double> sizes;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const double model =
          mean.at[0] * design[3 * i] + mean.at[1] * design[3 * i + 1] + mean.at[2] * design[3 * i + 2];
      sizes.push_back(1.2533 * std::abs(changes[i] - model));  // mean |xi| = sqrt(2 / pi)
    }
    const LeastSquares sigma = least_squares(design, sizes, weights);
    best = {mean.at[0],
            mean.at[1],
            mean.at[2],
            std::max(sigma.at[0], 0.05),
            std::max(sigma.at[1], 0.0),
            std::max(sigma.at[2], 0.0),
            pulses,
            0.01,
            0.7 * scatter,
            reset};
  }
  return best;
}

}  // namespace mq::accumulative
