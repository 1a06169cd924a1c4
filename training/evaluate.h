/// Loss and accuracy of a network on a data set, digital or through tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/exec.h"
#include "meltquench/training/loss.h"
#include "meltquench/training/network.h"
#include "meltquench/training/samples.h"

namespace mq {

struct EvaluateOptions {
  std::size_t batch = 250;              ///< images at a time; results do not depend on it
  std::uint64_t first_sample = 0;       ///< place of the first image in the data set
  WeightProduct* product = nullptr;     ///< as ForwardOptions
  std::span<const float> parameters{};  ///< on the backend; empty: the network's own, copied to a device
  Workspace* workspace = nullptr;  ///< to be used again by the next evaluation, of one thread; null: none
};

/// Without a product, batches spread over `exec.threads`; with one, batches follow each other and the product
/// gets `exec`. A device is waited for once, at the end. Throws ShapeError if sizes do not fit, StateError if
/// an output is no finite number, Interrupted.
LossSums evaluate(const Exec& exec, const Network& network, const ResidentSamples& samples,
                  const EvaluateOptions& options = {});
/// The same for samples in host memory, which are copied to a device first.
LossSums evaluate(const Exec& exec, const Network& network, const Samples& samples,
                  const EvaluateOptions& options = {});

/// Throws ShapeError unless the samples are as the network takes them and labels are among its outputs.
void check_samples(const Network& network, const Samples& samples);

}  // namespace mq
