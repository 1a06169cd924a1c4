#include "meltquench/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/json.h"
#include "meltquench/core/stop.h"
#include "meltquench/training/data_order.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/fixed_point.h"
#include "meltquench/training/hardware_aware.h"

namespace mq {

struct Trainer::Shard {
  Workspace workspace;
  std::vector<float> images, d_outputs, gradient;
  std::vector<std::uint8_t> labels;
  // Gradients by the parameters, then loss, correct, samples, not finite, gradients beyond the limit.
  std::vector<std::int64_t> sums;
};

namespace {

constexpr std::size_t kStatistics = 5;
constexpr std::size_t kChunk = 16384;  // parameters per piece of work

/// Pieces of [0, size), spread over threads; what a piece holds does not depend on the number of threads. Few
/// pieces are not worth waking threads for.
template <class Body>
void for_each_chunk(const Exec& exec, std::size_t size, Body body) {
  const auto chunks = static_cast<std::int64_t>((size + kChunk - 1) / kChunk);
#pragma omp parallel for schedule(static) num_threads(exec.threads) if (exec.threads > 1 && chunks > 4)
  for (std::int64_t c = 0; c < chunks; ++c) {
    const std::size_t first = static_cast<std::size_t>(c) * kChunk;
    body(first, std::min(first + kChunk, size));
  }
}

/// A run of parameters: weights, which decay, or biases, which do not.
struct Block {
  std::size_t first, last;
  bool decays;
};

std::vector<Block> blocks_of(const Network& network) {
  std::vector<Block> blocks;
  for (const WeightedLayer& layer : network.weighted_layers()) {
    const std::size_t middle = layer.offset + layer.weights();
    blocks.push_back({layer.offset, middle, true});
    blocks.push_back({middle, layer.offset + layer.shape.parameters(), false});
  }
  return blocks;
}

}  // namespace

GradientSync& Trainer::local_sync() {
  static LocalSync sync;
  return sync;
}

Trainer::Trainer(const Exec& exec, Network& network, const Samples& samples, const TrainParams& params,
                 std::uint64_t seed, GradientSync& sync)
    : exec_(exec), network_(network), samples_(samples), params_(params), seed_(seed), sync_(sync) {
  check_fields(params, "train");
  check_samples(network, samples);
  if (samples.count() == 0) throw ShapeError("there are no training images; raise data.train_images");
  const std::size_t parameters = network.parameters().size();
  if (parameters == 0) throw ShapeError("the network has no layer with weights; there is nothing to train");
  state_.optimizer = OptimizerState(params.optimizer, parameters);
  gradient_.resize(parameters);
  if (params.weight_noise > 0.0f) noisy_.resize(parameters);
  for (int t = 0; t < std::clamp(exec.threads, 1, params.shards); ++t) {
    shards_.push_back(std::make_unique<Shard>());
    shards_.back()->gradient.resize(parameters);
    shards_.back()->sums.resize(parameters + kStatistics);
  }
}

Trainer::~Trainer() = default;

std::uint64_t Trainer::steps_per_epoch() const {
  const auto batch = static_cast<std::uint64_t>(params_.batch_size);
  return (samples_.count() + batch - 1) / batch;
}

std::uint64_t Trainer::steps_done() const { return state_.epoch * steps_per_epoch() + state_.step; }

bool Trainer::is_finished() const { return state_.epoch >= static_cast<std::uint32_t>(params_.epochs); }

TrainReport Trainer::step() {
  if (is_finished()) throw StateError("the training is finished; make a new Trainer to train on");
  const auto start = std::chrono::steady_clock::now();
  if (order_.empty() || order_epoch_ != state_.epoch) {
    order_ = data_order(seed_, state_.epoch, samples_.count());
    order_epoch_ = state_.epoch;
  }
  const auto batch = static_cast<std::size_t>(params_.batch_size);
  const std::size_t first = state_.step * batch, last = std::min(first + batch, samples_.count());
  const std::uint64_t step = steps_done();
  if (params_.weight_noise > 0.0f)
    add_weight_noise(exec_, network_, params_.weight_noise, seed_, step, noisy_);

  compute_shards(std::span(order_).subspan(first, last - first),
                 params_.weight_noise > 0.0f ? std::span<const float>(noisy_) : network_.parameters());
  const LossSums sums = reduce();
  const double rate = learning_rate(params_, step, steps_per_epoch());
  update(rate);

  state_.sums += sums;
  ++state_.step;
  images_ += last - first;
  TrainReport report{.step = steps_done(),
                     .steps = steps_per_epoch() * static_cast<std::uint64_t>(params_.epochs),
                     .epoch = state_.epoch,
                     .epochs = static_cast<std::uint32_t>(params_.epochs),
                     .is_epoch_end = state_.step == steps_per_epoch(),
                     .loss = state_.sums.mean_loss(),
                     .accuracy = state_.sums.accuracy(),
                     .learning_rate = rate};
  if (report.is_epoch_end) {
    state_.history.push_back({report.loss, report.accuracy});
    state_.sums = {};
    state_.step = 0;
    report.epoch = ++state_.epoch;
  }
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.images_per_s = seconds_ > 0.0 ? static_cast<double>(images_) / seconds_ : 0.0;
  return report;
}

void Trainer::run(const std::function<void(const TrainReport&)>& observe) {
  while (!is_finished()) {
    throw_if_stopped();
    const TrainReport report = step();
    if (observe) observe(report);
  }
}

void Trainer::compute_shards(std::span<const std::uint32_t> rows, std::span<const float> parameters) {
  const auto shards = static_cast<std::size_t>(params_.shards);
  const ShardRange own = sync_.own_shards(shards);
  const float scale = 1.0f / static_cast<float>(rows.size());
  const auto threads = static_cast<std::int64_t>(shards_.size());
  std::exception_ptr error;
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(threads)) if (threads > 1)
  for (std::int64_t t = 0; t < threads; ++t) {
    try {
      Shard& shard = *shards_[static_cast<std::size_t>(t)];
      std::ranges::fill(shard.sums, 0);
      const std::size_t count = own.last - own.first;
      const std::size_t begin = own.first + count * static_cast<std::size_t>(t) / shards_.size();
      const std::size_t end = own.first + count * static_cast<std::size_t>(t + 1) / shards_.size();
      for (std::size_t s = begin; s < end; ++s) {
        const std::size_t from = rows.size() * s / shards, to = rows.size() * (s + 1) / shards;
        if (from < to) compute_shard(rows.subspan(from, to - from), parameters, scale, shard);
      }
    } catch (...) {
#pragma omp critical(mq_train)
      error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

void Trainer::compute_shard(std::span<const std::uint32_t> rows, std::span<const float> parameters,
                            float scale, Shard& shard) {
  Exec serial = exec_;
  serial.threads = 1;
  const std::size_t size = samples_.images.columns, classes = network_.output().size();
  shard.images.resize(rows.size() * size);
  shard.d_outputs.resize(rows.size() * classes);
  shard.labels.resize(rows.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const float* image = samples_.images.row(rows[r]);
    std::copy(image, image + size, shard.images.data() + r * size);
    shard.labels[r] = samples_.labels[rows[r]];
  }
  const MatrixView<float> d_outputs(shard.d_outputs.data(), rows.size(), classes);
  const auto outputs = network_.forward(serial, {shard.images.data(), rows.size(), size}, shard.workspace,
                                        {.parameters = parameters});
  const LossSums sums = softmax_cross_entropy(outputs, shard.labels, scale, d_outputs);
  network_.backward(serial, d_outputs, shard.workspace, shard.gradient, parameters);

  const std::size_t count = shard.gradient.size();
  const bool fits = add_fixed_point(shard.gradient, std::span(shard.sums).first(count));
  const std::int64_t statistics[kStatistics] = {sums.loss, sums.correct, sums.samples, sums.not_finite,
                                                fits ? 0 : 1};
  for (std::size_t i = 0; i < kStatistics; ++i) shard.sums[count + i] += statistics[i];
}

LossSums Trainer::reduce() {
  std::vector<std::int64_t>& total = shards_.front()->sums;
  for_each_chunk(exec_, total.size(), [&](std::size_t first, std::size_t last) {
    for (std::size_t t = 1; t < shards_.size(); ++t) {
      const std::int64_t* sums = shards_[t]->sums.data();
      for (std::size_t i = first; i < last; ++i) total[i] += sums[i];
    }
  });
  sync_.sum(total);
  const std::int64_t* s = total.data() + gradient_.size();
  const LossSums sums{.loss = s[0], .correct = s[1], .samples = s[2], .not_finite = s[3]};
  if (sums.not_finite > 0 || s[4] > 0) {
    throw StateError(
        fmt::format("the training diverged in step {} of epoch {}: {}; lower train.learning_rate",
                    state_.step + 1, state_.epoch + 1,
                    sums.not_finite > 0 ? "the loss is not finite"
                                        : fmt::format("a gradient is not below {}", kGradientLimit)));
  }
  return sums;
}

void Trainer::update(double rate) {
  const std::vector<std::int64_t>& total = shards_.front()->sums;
  const StepFactors factors = begin_step(params_, rate, state_.optimizer);
  const std::vector<Block> blocks = blocks_of(network_);
  const auto decay = static_cast<float>(params_.weight_decay);
  for_each_chunk(exec_, gradient_.size(), [&](std::size_t first, std::size_t last) {
    from_fixed_point(std::span(total).subspan(first, last - first),
                     std::span(gradient_).subspan(first, last - first));
    for (const Block& block : blocks) {
      const std::size_t from = std::max(first, block.first), to = std::min(last, block.last);
      if (from < to) {
        apply_step(factors, block.decays ? decay : 0.0f, gradient_, from, to, network_.parameters(),
                   state_.optimizer);
      }
    }
  });
  if (params_.weight_clip > 0.0f) clip_weights(exec_, network_, params_.weight_clip);
}

TrainingIdentity Trainer::identity() const {
  return {.params = to_json(to_value(params_)), .seed = seed_, .samples = samples_.count()};
}

void Trainer::save(const std::filesystem::path& path) const {
  save_training(path, network_, state_, identity());
}

void Trainer::load(const std::filesystem::path& path) {
  load_training(path, network_, state_, identity());
  order_.clear();
}

}  // namespace mq
