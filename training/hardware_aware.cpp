#include "meltquench/training/hardware_aware.h"

#include <algorithm>

#include "meltquench/core/contract.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

WeightNoise::WeightNoise(const Exec& exec, const Network& network)
    : noisy_(exec, network.parameters().size()), largest_(exec, 1) {}

std::span<const float> WeightNoise::apply(const Exec& exec, const Network& network,
                                          std::span<const float> parameters, float strength,
                                          std::uint64_t seed, std::uint64_t step) {
  MQ_EXPECTS(noisy_.size() == parameters.size());
  const KernelTable& table = kernels(exec.backend);
  for (std::size_t layer = 0; layer < network.weighted_layers().size(); ++layer) {
    const WeightedLayer& w = network.weighted_layers()[layer];
    const float* from = parameters.data() + w.offset;
    const RngKey key = RngKey(seed, Purpose::weight_noise, static_cast<std::uint32_t>(layer)).at_moment(step);
    table.training.find_largest(exec, from, w.weights(), largest_.data());
    table.add_normals(exec, {.key = key,
                             .scale = strength,
                             .factor = largest_.data(),
                             .from = from,
                             .to = noisy_.data() + w.offset,
                             .size = w.weights()});
    const std::size_t last = w.offset + w.weights();
    const bool is_last_layer = layer + 1 == network.weighted_layers().size();
    const std::size_t next = is_last_layer ? parameters.size() : network.weighted_layers()[layer + 1].offset;
    noisy_.copy_within_backend(parameters.data() + last, next - last, last);
    if (layer == 0 && w.offset > 0) noisy_.copy_within_backend(parameters.data(), w.offset, 0);
  }
  return {noisy_.data(), noisy_.size()};
}

WeightClip::WeightClip(const Exec& exec, const Network& network) {
  std::size_t largest = 0;
  for (const WeightedLayer& layer : network.weighted_layers()) largest = std::max(largest, layer.weights());
  scratch_ = Buffer<double>(exec, deviation_scratch(largest));
}

void WeightClip::apply(const Exec& exec, const Network& network, std::span<float> parameters, float sigmas,
                       const std::int64_t* failed) {
  MQ_EXPECTS(parameters.size() == network.parameters().size());
  for (const WeightedLayer& layer : network.weighted_layers()) {
    kernels(exec.backend)
        .training.clip_to_deviation(exec, {.size = layer.weights(),
                                           .sigmas = sigmas,
                                           .values = parameters.data() + layer.offset,
                                           .failed = failed,
                                           .scratch = scratch_.data()});
  }
}

}  // namespace mq
