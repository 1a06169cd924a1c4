/// What makes training hardware-aware: weights that are noisy in every step, and clipped to a few standard
/// deviations. V. Joshi et al., Nat. Commun. 11, 2473 (2020), doi:10.1038/s41467-020-16108-9.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/core/random.h"
#include "meltquench/training/network.h"

namespace mq {

/// noisy = parameters + strength * max|W of the layer| * z for weights, and the parameters themselves for
/// biases; z are standard normals, a function of (seed, layer, step, place in W). All shards of a step see
/// the same noise.
void add_weight_noise(const Exec& exec, const Network& network, float strength, std::uint64_t seed,
                      std::uint64_t step, std::span<float> noisy);

/// Standard deviation of all elements, in double; the same for any number of threads. 0 for no elements.
double standard_deviation(const Exec& exec, std::span<const float> values);

/// Clips the weights of every layer to +-sigmas * their standard deviation.
void clip_weights(const Exec& exec, Network& network, float sigmas);

}  // namespace mq
