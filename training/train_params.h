/// The `[train]` table: how a network is trained, plainly and hardware-aware.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/core/value.h"
#include "meltquench/kernels/training_ops.h"
#include "meltquench/training/gemm.h"

namespace mq {

enum class Optimizer { sgd, adam };
constexpr std::array<std::string_view, 2> names(Optimizer) { return {"sgd", "adam"}; }

enum class Schedule { constant, cosine, step };
constexpr std::array<std::string_view, 3> names(Schedule) { return {"constant", "cosine", "step"}; }

enum class Variant { plain, hardware_aware };
constexpr std::array<std::string_view, 2> names(Variant) { return {"plain", "hardware-aware"}; }
std::string_view name(Variant variant);

/// Hardware-aware training after V. Joshi et al., Nat. Commun. 11, 2473 (2020),
/// doi:10.1038/s41467-020-16108-9: noise on the weights in every step and weights clipped to a few standard
/// deviations (there 3.8 % and 2.0 to 2.5).
struct TrainParams {
  std::vector<Variant> variants{Variant::plain, Variant::hardware_aware};
  int epochs = 14;
  int batch_size = 128;
  int shards = 4;
  Optimizer optimizer = Optimizer::adam;
  double learning_rate = 0.002;
  Schedule schedule = Schedule::cosine;
  int step_epochs = 5;
  double step_factor = 0.3;
  double momentum = 0.9;
  double weight_decay = 0.0;
  float weight_noise = 0.12f;
  float weight_clip = 2.0f;
  float input_range = 0.0f;
  int input_bits = 0;
  bool learn_input_range = false;
  Gemm gemm = Gemm::exact;

  static constexpr auto describe() {
    constexpr auto steps = [](const TrainParams& p) { return p.schedule == Schedule::step; };
    constexpr auto is_sgd = [](const TrainParams& p) { return p.optimizer == Optimizer::sgd; };
    constexpr auto is_aware = [](const TrainParams& p) { return p.is_hardware_aware(); };
    constexpr auto clips = [](const TrainParams& p) { return p.is_hardware_aware() && p.input_range > 0.0f; };
    return fields(
        field("variants", &TrainParams::variants, "Trainings to run: plain, hardware-aware or both."),
        field("epochs", &TrainParams::epochs, between(1, 100000), "Passes over the training images."),
        field("batch_size", &TrainParams::batch_size, between(1, 65536), "Images per step."),
        field("shards", &TrainParams::shards, between(1, kMaxShards),
              "Parts of a minibatch that are computed independently; results depend on it, but never on "
              "threads."),
        field("optimizer", &TrainParams::optimizer, "Rule that turns gradients into steps."),
        field("learning_rate", &TrainParams::learning_rate, positive, "Largest step size."),
        field("schedule", &TrainParams::schedule,
              "How the step size falls: not, along a half cosine to 0, or in steps."),
        field("step_epochs", &TrainParams::step_epochs, between(1, 100000),
              "Epochs per step of schedule = \"step\".")
            .acts_where("train.schedule is step", steps),
        field("step_factor", &TrainParams::step_factor, Range{.low = 0, .high = 1, .excludes_low = true},
              "Factor on the learning rate at each step of schedule = \"step\".")
            .acts_where("train.schedule is step", steps),
        field("momentum", &TrainParams::momentum, between(0, 0.9999), "Momentum of sgd.")
            .acts_where("train.optimizer is sgd", is_sgd),
        field("weight_decay", &TrainParams::weight_decay, between(0, 1),
              "Pull of weights towards 0: added to the gradient for sgd, decoupled from it for adam."),
        field("weight_noise", &TrainParams::weight_noise, between(0, 1),
              "Hardware-aware: standard deviation of the noise on weights, relative to the layer's largest "
              "weight.")
            .acts_where("train.variants has hardware-aware", is_aware),
        field("weight_clip", &TrainParams::weight_clip, between(0, 100),
              "Hardware-aware: weights are clipped to so many standard deviations of their layer; 0: never.")
            .acts_where("train.variants has hardware-aware", is_aware),
        field("input_range", &TrainParams::input_range, non_negative,
              "Hardware-aware: inputs of layers with weights are clipped to this magnitude; 0: not.")
            .acts_where("train.variants has hardware-aware", is_aware),
        field("input_bits", &TrainParams::input_bits, between(0, 16),
              "Hardware-aware: inputs are rounded to so many bits within input_range; 0: not.")
            .acts_where("train.variants has hardware-aware and train.input_range > 0", clips),
        field("learn_input_range", &TrainParams::learn_input_range,
              "Hardware-aware: every layer learns a range of its own, from input_range on; it decays as "
              "weights do.")
            .acts_where("train.variants has hardware-aware and train.input_range > 0", clips),
        field("gemm", &TrainParams::gemm,
              "Float products of training: exact has the same bits on every backend; cublas is faster, needs "
              "the "
              "backend cuda, and its bits depend on the GPU."));
  }

  /// What is wrong between the members.
  std::string problem() const;

  /// Whether some variant is.
  bool is_hardware_aware() const;
  /// The same training with what the variant does not use switched off.
  TrainParams of(Variant variant) const;
};

}  // namespace mq
