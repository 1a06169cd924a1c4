#include "meltquench/training/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

void check_samples(const Network& network, const Samples& samples) {
  if (samples.images.rows != samples.labels.size()) {
    throw ShapeError(fmt::format("there are {} images but {} labels; each image needs one label",
                                 samples.images.rows, samples.labels.size()));
  }
  if (samples.images.columns != network.input().size()) {
    throw ShapeError(fmt::format("images have {} values each but the network takes {} ({})",
                                 samples.images.columns, network.input().size(),
                                 format_shape(network.input())));
  }
  const std::size_t classes = network.output().size();
  for (std::size_t i = 0; i < samples.labels.size(); ++i) {
    if (samples.labels[i] >= classes) {
      throw ShapeError(
          fmt::format("sample {} has the label {} but the network has outputs for {} classes, 0 to {}", i,
                      samples.labels[i], classes, classes - 1));
    }
  }
}

LossSums evaluate(const Exec& exec, const Network& network, const Samples& samples,
                  const EvaluateOptions& options) {
  check_samples(network, samples);
  return evaluate(exec, network, ResidentSamples(exec, samples), options);
}

LossSums evaluate(const Exec& exec, const Network& network, const ResidentSamples& samples,
                  const EvaluateOptions& options) {
  check_samples(network, samples.host());
  if (options.batch == 0) throw ShapeError("a batch of 0 images evaluates nothing; use at least 1");
  const std::size_t count = samples.count();
  const auto batches = static_cast<std::int64_t>((count + options.batch - 1) / options.batch);
  const bool is_on_device = exec.backend == Backend::cuda;
  const bool is_parallel = options.product == nullptr && exec.threads > 1 && !is_on_device;
  Exec inner = exec;
  if (is_parallel) inner.threads = 1;
  std::span<const float> parameters = options.parameters;
  Buffer<float> copied;
  if (parameters.empty() && is_on_device) {
    copied = Buffer<float>(exec, network.parameters());
    parameters = {copied.data(), copied.size()};
  }

  const std::size_t threads =
      is_parallel ? std::min(static_cast<std::size_t>(exec.threads), static_cast<std::size_t>(batches)) : 1;
  Buffer<std::int64_t> counts(exec, threads * kLossCounts);  // each thread adds to its own
  std::vector<Workspace> own_workspaces(threads);
  const auto run = [&](std::int64_t b, std::size_t worker) {
    throw_if_stopped();
    Workspace& workspace =
        options.workspace != nullptr && !is_parallel ? *options.workspace : own_workspaces[worker];
    const std::size_t first = static_cast<std::size_t>(b) * options.batch;
    const std::size_t rows = std::min(options.batch, count - first);
    const auto outputs = network.forward(inner, samples.images().slice_rows(first, rows), workspace,
                                         {.first_sample = options.first_sample + first,
                                          .product = options.product,
                                          .parameters = parameters,
                                          .keeps_activations = false});
    kernels(exec.backend)
        .training.softmax_loss(inner, {.rows = rows,
                                       .classes = outputs.columns,
                                       .outputs = outputs.data,
                                       .labels = samples.labels() + first,
                                       .counts = counts.data() + worker * kLossCounts});
  };
  parallel_ranges(static_cast<int>(threads), batches, [&](std::int64_t first, std::int64_t last, int worker) {
    for (std::int64_t b = first; b < last; ++b) run(b, static_cast<std::size_t>(worker));
  });
  throw_if_stopped();
  std::vector<std::int64_t> counted(counts.size());
  counts.copy_to(counted);
  LossSums total;
  for (std::size_t t = 0; t < threads; ++t)
    total += LossSums::from(std::span(counted).subspan(t * kLossCounts));
  if (total.not_finite > 0) {
    throw StateError(fmt::format(
        "the outputs of the network are not finite for {} of {} images: its weights and inputs are "
        "too large for single precision (3.4e38); scale them down, or where training made them so, "
        "train again with a lower train.learning_rate",
        total.not_finite, count));
  }
  return total;
}

}  // namespace mq
