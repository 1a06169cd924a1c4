/// Trains a network: minibatches, gradients per logical shard, sums in fixed point, an optimizer step, and
/// for hardware-aware training weight noise before and clipping after it.
///
/// Everything that a step reads and writes lies on the backend, the data set included; a device computes one
/// step after another without waiting for the host. Same seed, parameters and samples give the same weights,
/// bit for bit, on any backend, for any number of threads and processes, and whether or not the training was
/// interrupted and resumed.
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
  /// Means of the epoch so far, over the images as trained. Training on a device looks at them at the end of
  /// an epoch and every `Trainer::kStepsPerLook` steps; between two looks they are those of the last one.
  double loss = 0.0, accuracy = 0.0;
  double learning_rate = 0.0;
  double images_per_s = 0.0;  ///< since the trainer was made
};

class Trainer {
 public:
  /// Steps between two looks at what a device counts; on the CPU each step is looked at.
  static constexpr std::uint64_t kStepsPerLook = 64;

  /// Network and samples are borrowed and must outlive the trainer. The trainer starts from the weights that
  /// the network has now; call `Network::initialize` first. `params`: those of one variant,
  /// `TrainParams::of`. Throws ConfigError, ShapeError, BackendUnavailable.
  Trainer(const Exec& exec, Network& network, const Samples& samples, const TrainParams& params,
          std::uint64_t seed, GradientSync& sync = local_sync());
  ~Trainer();

  /// One minibatch. Throws StateError, naming the step, if the training diverged: a gradient that is no
  /// finite number or too large. On a device this comes with the next look at it; the steps after the failed
  /// one change nothing.
  TrainReport step();
  /// All steps that are left; `observe` is called after each. Throws Interrupted between two steps when a
  /// stop was requested; state and network are then good to be saved.
  void run(const std::function<void(const TrainReport&)>& observe = {});
  bool is_finished() const;

  /// Copies the trained parameters into the network. Between steps they lie with the trainer, on its
  /// backend; they are copied at the end of every epoch, by `run` before it returns or throws Interrupted,
  /// by `save`, `load`, and here.
  void update_network();

  /// Where the training stands. Sums are those of the last look; the optimizer's memory is that of the last
  /// `save` or `load`.
  const TrainingState& state() const { return state_; }
  /// Checkpoints: see training_state.h. A file written on one backend goes on on any other.
  void save(const std::filesystem::path& path);
  void load(const std::filesystem::path& path);

 private:
  struct Shard;   // memory of one thread
  struct Memory;  // of the whole training

  static GradientSync& local_sync();
  TrainingIdentity identity() const;
  std::uint64_t steps_per_epoch() const;
  std::uint64_t steps_done() const;
  std::span<float> parameters();
  /// Gradient sums and losses of this process's shards of the minibatch `rows`, in thread memory. `rows`
  /// lies on the backend.
  void compute_shards(std::span<const std::uint32_t> rows, std::span<const float> parameters);
  void compute_shard(std::span<const std::uint32_t> rows, std::span<const float> parameters, float scale,
                     Shard& shard);
  /// Adds up the memory of the threads, then of the processes, and counts the step.
  void reduce();
  void update(double learning_rate);
  /// Fetches what the epoch counted; throws if a step has failed.
  void look();
  /// From the host, after `load`.
  void upload();

  Exec exec_;
  Network& network_;
  ResidentSamples samples_;
  TrainParams params_;
  std::uint64_t seed_;
  GradientSync& sync_;

  TrainingState state_;
  std::unique_ptr<Memory> memory_;
  std::vector<std::unique_ptr<Shard>> shards_;  // one per thread
  double seconds_ = 0.0;
  std::uint64_t images_ = 0;
};

}  // namespace mq
