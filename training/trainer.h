/// Trains a network: minibatches, gradients per logical shard, sums in fixed point, an optimizer step, and
/// for hardware-aware training weight noise before and clipping after it.
///
/// Same seed, parameters and samples give the same weights, bit for bit, for any number of threads and
/// processes, and whether or not the training was interrupted and resumed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/training/gradient_sync.h"
#include "meltquench/training/network.h"
#include "meltquench/training/samples.h"
#include "meltquench/training/train_params.h"
#include "meltquench/training/training_state.h"

namespace mq {

/// Where a training stands, after a step.
struct TrainReport {
  std::uint64_t step = 0, steps = 0;    ///< of the whole training
  std::uint32_t epoch = 0, epochs = 0;  ///< epochs done, and of the whole training
  bool is_epoch_end = false;
  double loss = 0.0, accuracy = 0.0;  ///< means of the epoch so far, over the images as trained
  double learning_rate = 0.0;
  double images_per_s = 0.0;  ///< since the trainer was made
};

class Trainer {
 public:
  /// Network and samples are borrowed and must outlive the trainer. The network keeps the weights that it
  /// has; call `Network::initialize` first. `params`: those of one variant, `TrainParams::of`. Throws
  /// ConfigError, ShapeError.
  Trainer(const Exec& exec, Network& network, const Samples& samples, const TrainParams& params,
          std::uint64_t seed, GradientSync& sync = local_sync());
  ~Trainer();

  /// One minibatch. Throws StateError if the training diverges: a gradient that is no finite number or too
  /// large.
  TrainReport step();
  /// All steps that are left; `observe` is called after each. Throws Interrupted between two steps when a
  /// stop was requested; state and network are then good to be saved.
  void run(const std::function<void(const TrainReport&)>& observe = {});
  bool is_finished() const;

  const TrainingState& state() const { return state_; }
  /// Checkpoints: see training_state.h.
  void save(const std::filesystem::path& path) const;
  void load(const std::filesystem::path& path);

 private:
  struct Shard;  // memory of one thread

  static GradientSync& local_sync();
  TrainingIdentity identity() const;
  std::uint64_t steps_per_epoch() const;
  std::uint64_t steps_done() const;
  /// Gradient sums and losses of this process's shards of the minibatch `rows`, in thread memory.
  void compute_shards(std::span<const std::uint32_t> rows, std::span<const float> parameters);
  void compute_shard(std::span<const std::uint32_t> rows, std::span<const float> parameters, float scale,
                     Shard& shard);
  /// Adds up the memory of the threads, then of the processes.
  LossSums reduce();
  void update(double learning_rate);

  Exec exec_;
  Network& network_;
  Samples samples_;
  TrainParams params_;
  std::uint64_t seed_;
  GradientSync& sync_;

  TrainingState state_;
  std::vector<std::uint32_t> order_;  // of the epoch order_epoch_
  std::uint32_t order_epoch_ = 0;
  std::vector<float> noisy_;  // parameters as the shards see them
  std::vector<float> gradient_;
  std::vector<std::unique_ptr<Shard>> shards_;  // one per thread
  double seconds_ = 0.0;
  std::uint64_t images_ = 0;
};

}  // namespace mq
