#include "meltquench/training/optimizer_step.h"

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"

namespace mq {

OptimizerState::OptimizerState(Optimizer optimizer, std::size_t parameters)
    : first(parameters), second(optimizer == Optimizer::adam ? parameters : 0) {}

ParameterStep begin_step(const TrainParams& params, double learning_rate, OptimizerState& state) {
  ParameterStep step{.rule = params.optimizer == Optimizer::adam ? StepRule::adam : StepRule::sgd,
                     .learning_rate = static_cast<float>(learning_rate),
                     .momentum = static_cast<float>(params.momentum)};
  if (params.optimizer == Optimizer::adam) {
    state.beta1_power *= kAdamBeta1;
    state.beta2_power *= kAdamBeta2;
    step.first_scale = static_cast<float>(1.0 / (1.0 - state.beta1_power));
    step.second_scale = static_cast<float>(1.0 / (1.0 - state.beta2_power));
  }
  return step;
}

double learning_rate(const TrainParams& params, std::uint64_t step, std::uint64_t steps_per_epoch) {
  const std::uint64_t steps = steps_per_epoch * static_cast<std::uint64_t>(params.epochs);
  MQ_EXPECTS(step < steps);
  switch (params.schedule) {
    case Schedule::constant:
      break;
    case Schedule::cosine: {
      // Half a turn over all steps; the own cosine has the same bits with every C library.
      const double turn = 0x1p31 * (static_cast<double>(step) / static_cast<double>(steps));
      float sine, cosine;
      sincos_turn<float>(static_cast<std::uint32_t>(turn), sine, cosine);
      return params.learning_rate * 0.5 * (1.0 + static_cast<double>(cosine));
    }
    case Schedule::step: {
      double rate = params.learning_rate;
      const std::uint64_t falls = step / steps_per_epoch / static_cast<std::uint64_t>(params.step_epochs);
      for (std::uint64_t i = 0; i < falls; ++i) rate *= params.step_factor;
      return rate;
    }
  }
  return params.learning_rate;
}

}  // namespace mq
