/// What makes training hardware-aware: weights that are noisy in every step, and clipped to a few standard
/// deviations. V. Joshi et al., Nat. Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9.
///
/// Parameters are laid out as `Network::parameters()` and lie on the backend of `exec`; nothing waits for a
/// device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meltquench/core/buffer.h"
#include "meltquench/core/random.h"
#include "meltquench/training/network.h"

namespace mq {

/// noisy = parameters + strength * max|W of the layer| * z for weights, and the parameters themselves for
/// biases; z are standard normals, a function of (seed, layer, step, place in W). All shards of a step see
/// the same noise.
class WeightNoise {
 public:
  WeightNoise(const Exec& exec, const Network& network);

  /// The noisy parameters, until the next call. Expects as many parameters as the network has.
  std::span<const float> apply(const Exec& exec, const Network& network, std::span<const float> parameters,
                               float strength, std::uint64_t seed, std::uint64_t step);

 private:
  Buffer<float> noisy_;
  Buffer<float> largest_;  // weight of a layer
};

/// Clips the weights of every layer to +-sigmas * their standard deviation.
class WeightClip {
 public:
  WeightClip(const Exec& exec, const Network& network);

  /// Nothing if *failed, on the backend, is not 0; null: nothing can have failed.
  void apply(const Exec& exec, const Network& network, std::span<float> parameters, float sigmas,
             const std::int64_t* failed);

 private:
  Buffer<double> scratch_;
};

}  // namespace mq
