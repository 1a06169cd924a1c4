#include "meltquench/training/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/core/json.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/thread_team.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/data_order.h"
#include "meltquench/training/evaluate.h"
#include "meltquench/training/hardware_aware.h"

namespace mq {

struct Trainer::Shard {
  Shard(const Exec& exec, std::size_t parameters)
      : gradient(exec, parameters), sums(exec, parameters + kStepCounts) {}

  Workspace workspace;
  Buffer<float> images, d_outputs, gradient;
  Buffer<std::uint8_t> labels;
  Buffer<std::int64_t> sums;  // gradients by the parameters, then what the step counts
};

struct Trainer::Memory {
  Memory(const Exec& exec, const Network& network, const TrainParams& params, std::size_t samples)
      : parameters(exec, network.parameters()),
        first(exec, parameters.size()),
        second(exec, params.optimizer == Optimizer::adam ? parameters.size() : 0),
        epoch(exec, kEpochCounts),
        order(exec, samples) {
    if (params.weight_noise > 0.0f) noise.emplace(exec, network);
    if (params.weight_clip > 0.0f) clip.emplace(exec, network);
  }

  Buffer<float> parameters, first, second;  // and what the optimizer remembers
  Buffer<std::int64_t> epoch;               // what it counted so far
  Buffer<std::uint32_t> order;              // of the epoch order_epoch
  std::optional<std::uint32_t> order_epoch;
  std::optional<WeightNoise> noise;
  std::optional<WeightClip> clip;
};

namespace {

/// Room for `size` elements.
template <class T>
T* grown(const Exec& exec, Buffer<T>& memory, std::size_t size) {
  if (memory.size() < size) memory = Buffer<T>(exec, size);
  return memory.data();
}

/// A run of parameters: weights and learned ranges, which decay, or biases, which do not.
struct Block {
  std::size_t first, last;
  bool decays;
};

std::vector<Block> blocks_of(const Network& network, bool decays) {
  if (!decays) return {{0, network.parameters().size(), false}};
  std::vector<Block> blocks;
  std::size_t first = 0;
  for (const WeightedLayer& layer : network.weighted_layers()) {
    const std::size_t middle = layer.offset + layer.weights();
    blocks.push_back({first, middle, true});
    first = layer.offset + layer.shape.parameters();
    blocks.push_back({middle, first, false});
  }
  if (first < network.parameters().size()) blocks.push_back({first, network.parameters().size(), true});
  return blocks;
}

}  // namespace

GradientSync& Trainer::local_sync() {
  static LocalSync sync;
  return sync;
}

Trainer::Trainer(const Exec& exec, Network& network, const Samples& samples, const TrainParams& params,
                 std::uint64_t seed, GradientSync& sync)
    : exec_(digital_exec(exec)),
      network_(network),
      samples_(exec_, samples),
      params_(params),
      seed_(seed),
      sync_(sync) {
  check_fields(params, "train");
  check_gemm(exec_, params.gemm);
  check_samples(network, samples);
  if (samples.count() == 0) throw ShapeError("there are no training images; raise data.train_images");
  const std::size_t parameters = network.parameters().size();
  if (parameters == 0) throw ShapeError("the network has no layer with weights; there is nothing to train");
  state_.optimizer = OptimizerState(params.optimizer, parameters);
  memory_ = std::make_unique<Memory>(exec_, network, params, samples.count());
  const int threads = exec_.backend == Backend::cuda ? 1 : std::clamp(exec.threads, 1, params.shards);
  for (int t = 0; t < threads; ++t) shards_.push_back(std::make_unique<Shard>(exec_, parameters));
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
  if (memory_->order_epoch != state_.epoch) {
    memory_->order.copy_from(data_order(seed_, state_.epoch, samples_.count()));
    memory_->order_epoch = state_.epoch;
  }
  const auto batch = static_cast<std::size_t>(params_.batch_size);
  const std::size_t first = state_.step * batch, last = std::min(first + batch, samples_.count());
  const std::uint64_t step = steps_done();
  const std::span<const float> seen =
      memory_->noise ? memory_->noise->apply(exec_, network_, parameters(), params_.weight_noise, seed_, step)
                     : parameters();
  compute_shards({memory_->order.data() + first, last - first}, seen);
  reduce();
  const bool is_epoch_end = state_.step + 1 == steps_per_epoch();
  if (exec_.backend != Backend::cuda || is_epoch_end || (state_.step + 1) % kStepsPerLook == 0) look();
  const double rate = learning_rate(params_, step, steps_per_epoch());
  update(rate);

  ++state_.step;
  images_ += last - first;
  TrainReport report{.step = steps_done(),
                     .steps = steps_per_epoch() * static_cast<std::uint64_t>(params_.epochs),
                     .epoch = state_.epoch,
                     .epochs = static_cast<std::uint32_t>(params_.epochs),
                     .is_epoch_end = is_epoch_end,
                     .loss = state_.sums.mean_loss(),
                     .accuracy = state_.sums.accuracy(),
                     .learning_rate = rate};
  if (report.is_epoch_end) {
    state_.history.push_back({report.loss, report.accuracy});
    state_.sums = {};
    state_.step = 0;
    memory_->epoch.clear();
    report.epoch = ++state_.epoch;
    update_network();
  }
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.images_per_s = seconds_ > 0.0 ? static_cast<double>(images_) / seconds_ : 0.0;
  return report;
}

void Trainer::run(const std::function<void(const TrainReport&)>& observe) {
  while (!is_finished()) {
    if (stop_requested()) update_network();
    throw_if_stopped();
    const TrainReport report = step();
    if (observe) observe(report);
  }
}

std::span<float> Trainer::parameters() { return {memory_->parameters.data(), memory_->parameters.size()}; }

void Trainer::update_network() { memory_->parameters.copy_to(network_.parameters()); }

void Trainer::look() {
  std::int64_t counts[kEpochCounts];
  memory_->epoch.copy_to(counts);
  if (counts[kFailedStep] != 0) {
    throw StateError(
        fmt::format("the training diverged in step {} of epoch {}: {}; lower train.learning_rate",
                    counts[kFailedStep], state_.epoch + 1,
                    counts[kFailedByLoss] != 0 ? "the loss is not finite"
                                               : fmt::format("a gradient is not below {}", kGradientLimit)));
  }
  state_.sums = LossSums::from(counts);
}

void Trainer::compute_shards(std::span<const std::uint32_t> rows, std::span<const float> parameters) {
  const auto shards = static_cast<std::size_t>(params_.shards);
  const ShardRange own = sync_.own_shards(shards);
  const float scale = 1.0f / static_cast<float>(rows.size());
  const auto threads = static_cast<std::int64_t>(shards_.size());
  parallel_for(static_cast<int>(threads), threads, [&](std::int64_t t) {
    Shard& shard = *shards_[static_cast<std::size_t>(t)];
    shard.sums.clear();
    const std::size_t count = own.last - own.first;
    const std::size_t begin = own.first + count * static_cast<std::size_t>(t) / shards_.size();
    const std::size_t end = own.first + count * static_cast<std::size_t>(t + 1) / shards_.size();
    for (std::size_t s = begin; s < end; ++s) {
      const std::size_t from = rows.size() * s / shards, to = rows.size() * (s + 1) / shards;
      if (from < to) compute_shard(rows.subspan(from, to - from), parameters, scale, shard);
    }
  });
}

void Trainer::compute_shard(std::span<const std::uint32_t> rows, std::span<const float> parameters,
                            float scale, Shard& shard) {
  Exec serial = exec_;
  serial.threads = 1;
  const KernelTable& table = kernels(exec_.backend);
  const MatrixView<const float> all = samples_.images();
  const std::size_t count = rows.size(), size = all.columns, classes = network_.output().size();
  const MatrixView<float> images(grown(exec_, shard.images, count * size), count, size);
  const MatrixView<float> d_outputs(grown(exec_, shard.d_outputs, count * classes), count, classes);
  std::uint8_t* labels = grown(exec_, shard.labels, count);
  table.training.gather_rows(serial, {.rows = count,
                                      .columns = size,
                                      .images = all.data,
                                      .labels = samples_.labels(),
                                      .order = rows.data(),
                                      .to = images.data,
                                      .labels_to = labels});
  const auto outputs =
      network_.forward(serial, images, shard.workspace, {.parameters = parameters, .gemm = params_.gemm});
  std::int64_t* counts = shard.sums.data() + shard.gradient.size();
  table.training.softmax_loss(serial, {.rows = count,
                                       .classes = classes,
                                       .outputs = outputs.data,
                                       .labels = labels,
                                       .scale = scale,
                                       .d_outputs = d_outputs.data,
                                       .counts = counts});
  network_.backward(serial, d_outputs, shard.workspace, {shard.gradient.data(), shard.gradient.size()},
                    parameters, params_.gemm);
  table.training.add_fixed_point(serial, {.size = shard.gradient.size(),
                                          .values = shard.gradient.data(),
                                          .sums = shard.sums.data(),
                                          .beyond = counts + kBeyond});
}

void Trainer::reduce() {
  const TrainingKernels& ops = kernels(exec_.backend).training;
  Buffer<std::int64_t>& total = shards_.front()->sums;
  for (std::size_t t = 1; t < shards_.size(); ++t) {
    ops.add_integers(exec_, {.size = total.size(), .from = shards_[t]->sums.data(), .to = total.data()});
  }
  if (!sync_.is_alone()) {
    std::vector<std::int64_t> sums(total.size());
    total.copy_to(sums);
    sync_.sum(sums);
    total.copy_from(sums);
  }
  ops.close_step(exec_, {.step = total.data() + parameters().size(),
                         .number = static_cast<std::int64_t>(state_.step) + 1,
                         .epoch = memory_->epoch.data()});
}

void Trainer::update(double rate) {
  const ParameterStep rule = begin_step(params_, rate, state_.optimizer);
  const std::int64_t* failed = memory_->epoch.data() + kFailedStep;
  for (const Block& block : blocks_of(network_, params_.weight_decay > 0.0)) {
    ParameterStep step = rule;
    step.size = block.last - block.first;
    step.decay = block.decays ? static_cast<float>(params_.weight_decay) : 0.0f;
    step.sums = shards_.front()->sums.data() + block.first;
    step.failed = failed;
    step.parameters = memory_->parameters.data() + block.first;
    step.first = memory_->first.data() + block.first;
    if (!memory_->second.empty()) step.second = memory_->second.data() + block.first;
    kernels(exec_.backend).training.step_parameters(exec_, step);
  }
  if (memory_->clip) memory_->clip->apply(exec_, network_, parameters(), params_.weight_clip, failed);
}

TrainingIdentity Trainer::identity() const {
  return {.params = to_json(to_value(params_)), .seed = seed_, .samples = samples_.count()};
}

void Trainer::save(const std::filesystem::path& path) {
  look();
  update_network();
  memory_->first.copy_to(state_.optimizer.first);
  memory_->second.copy_to(state_.optimizer.second);
  save_training(path, network_, state_, identity());
}

void Trainer::load(const std::filesystem::path& path) {
  load_training(path, network_, state_, identity());
  upload();
}

void Trainer::upload() {
  memory_->parameters.copy_from(network_.parameters());
  memory_->first.copy_from(state_.optimizer.first);
  memory_->second.copy_from(state_.optimizer.second);
  const LossSums& sums = state_.sums;
  const std::int64_t counts[kEpochCounts] = {sums.loss, sums.correct, sums.samples, sums.not_finite, 0, 0};
  memory_->epoch.copy_from(counts);
}

}  // namespace mq
