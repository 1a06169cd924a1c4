#include "meltquench/training/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"

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
  if (options.batch == 0) throw ShapeError("a batch of 0 images evaluates nothing; use at least 1");
  const std::size_t count = samples.count();
  const auto batches = static_cast<std::int64_t>((count + options.batch - 1) / options.batch);
  const bool is_parallel = options.product == nullptr && exec.threads > 1;
  Exec inner = exec;
  if (is_parallel) inner.threads = 1;

  LossSums total;
  std::exception_ptr error;
#pragma omp parallel num_threads(exec.threads) if (is_parallel)
  {
    Workspace workspace;
    LossSums sums;
#pragma omp for schedule(dynamic)
    for (std::int64_t b = 0; b < batches; ++b) {
      if (stop_requested()) continue;
      try {
        const std::size_t first = static_cast<std::size_t>(b) * options.batch;
        const std::size_t rows = std::min(options.batch, count - first);
        const auto outputs = network.forward(inner, samples.images.slice_rows(first, rows), workspace,
                                             {.first_sample = options.first_sample + first,
                                              .product = options.product,
                                              .parameters = options.parameters});
        sums += softmax_cross_entropy(outputs, samples.labels.subspan(first, rows), 1.0f, {});
      } catch (...) {
#pragma omp critical(mq_evaluate)
        error = std::current_exception();
      }
    }
#pragma omp critical(mq_evaluate)
    total += sums;
  }
  if (error) std::rethrow_exception(error);
  throw_if_stopped();
  if (total.not_finite > 0) {
    throw StateError(
        fmt::format("the outputs of the network are not finite for {} of {} images; its weights have "
                    "overflowed: train again with a lower train.learning_rate",
                    total.not_finite, count));
  }
  return total;
}

}  // namespace mq
