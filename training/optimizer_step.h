/// The steps of SGD and Adam, element by element: no sum, no order, the same bits for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meltquench/training/train_params.h"

namespace mq {

/// What an optimizer remembers between steps.
struct OptimizerState {
  std::vector<float> first;                     ///< velocity (sgd), mean of gradients (adam)
  std::vector<float> second;                    ///< mean of squared gradients (adam); empty for sgd
  double beta1_power = 1.0, beta2_power = 1.0;  ///< beta^steps (adam)

  OptimizerState() = default;
  OptimizerState(Optimizer optimizer, std::size_t parameters);
};

inline constexpr double kAdamBeta1 = 0.9, kAdamBeta2 = 0.999, kAdamEpsilon = 1e-8;

/// Factors of one step, the same for all parameters.
struct StepFactors {
  Optimizer optimizer = Optimizer::sgd;
  float learning_rate = 0.0f;
  float momentum = 0.0f;
  float first_scale = 1.0f, second_scale = 1.0f;  ///< 1 / (1 - beta^steps) (adam)
};

/// Counts a step in the state's powers and returns its factors.
StepFactors begin_step(const TrainParams& params, double learning_rate, OptimizerState& state);

/// Moves the parameters [first, last) by one step.
/// sgd: v = momentum v + (g + decay w), w -= rate v.
/// adam: D. P. Kingma, J. Ba, arXiv:1412.6980 (2014), with decoupled decay, I. Loshchilov, F. Hutter,
/// arXiv:1711.05101 (2017): w -= rate (m' / (sqrt(v') + 1e-8) + decay w).
void apply_step(const StepFactors& factors, float decay, std::span<const float> gradient, std::size_t first,
                std::size_t last, std::span<float> parameters, OptimizerState& state);

/// Learning rate of a step; cosine: I. Loshchilov, F. Hutter, arXiv:1608.03983 (2016), without restarts.
/// Expects step < steps.
double learning_rate(const TrainParams& params, std::uint64_t step, std::uint64_t steps_per_epoch);

}  // namespace mq
