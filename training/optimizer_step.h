/// The steps of SGD and Adam, computed by `step_parameters` of kernels/training_ops.h, and learning rates.
///
/// Adam: D. P. Kingma, J. Ba, arXiv:1412.6980 (2014), with decoupled decay, I. Loshchilov, F. Hutter,
/// arXiv:1711.05101 (2017).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meltquench/kernels/training_ops.h"
#include "meltquench/training/train_params.h"

namespace mq {

/// What an optimizer remembers between steps, on the host, as files hold it.
struct OptimizerState {
  std::vector<float> first;                     ///< velocity (sgd), mean of gradients (adam)
  std::vector<float> second;                    ///< mean of squared gradients (adam); empty for sgd
  double beta1_power = 1.0, beta2_power = 1.0;  ///< beta^steps (adam)

  OptimizerState() = default;
  OptimizerState(Optimizer optimizer, std::size_t parameters);
};

/// Counts a step in the state's powers and returns a step with rule and factors filled in, the same for all
/// parameters.
ParameterStep begin_step(const TrainParams& params, double learning_rate, OptimizerState& state);

/// Learning rate of a step; cosine: I. Loshchilov, F. Hutter, arXiv:1608.03983 (2016), without restarts.
/// Expects step < steps.
double learning_rate(const TrainParams& params, std::uint64_t step, std::uint64_t steps_per_epoch);

}  // namespace mq
