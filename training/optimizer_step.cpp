#include "meltquench/training/optimizer_step.h"

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"

namespace mq {

OptimizerState::OptimizerState(Optimizer optimizer, std::size_t parameters)
    : first(parameters), second(optimizer == Optimizer::adam ? parameters : 0) {}

StepFactors begin_step(const TrainParams& params, double learning_rate, OptimizerState& state) {
  StepFactors factors{.optimizer = params.optimizer,
                      .learning_rate = static_cast<float>(learning_rate),
                      .momentum = static_cast<float>(params.momentum)};
  if (params.optimizer == Optimizer::adam) {
    state.beta1_power *= kAdamBeta1;
    state.beta2_power *= kAdamBeta2;
    factors.first_scale = static_cast<float>(1.0 / (1.0 - state.beta1_power));
    factors.second_scale = static_cast<float>(1.0 / (1.0 - state.beta2_power));
  }
  return factors;
}

void apply_step(const StepFactors& factors, float decay, std::span<const float> gradient, std::size_t first,
                std::size_t last, std::span<float> parameters, OptimizerState& state) {
  MQ_EXPECTS(last <= parameters.size() && gradient.size() == parameters.size());
  MQ_EXPECTS(state.first.size() == parameters.size());
  const float rate = factors.learning_rate;
  const float* g = gradient.data();
  float* w = parameters.data();
  float* m = state.first.data();
  if (factors.optimizer == Optimizer::sgd) {
    const float momentum = factors.momentum;
    for (std::size_t i = first; i < last; ++i) {
      m[i] = momentum * m[i] + (g[i] + decay * w[i]);
      w[i] -= rate * m[i];
    }
    return;
  }
  constexpr float kNew1 = static_cast<float>(1.0 - kAdamBeta1), kNew2 = static_cast<float>(1.0 - kAdamBeta2);
  constexpr float kEpsilon = static_cast<float>(kAdamEpsilon);
  const float scale1 = factors.first_scale, scale2 = factors.second_scale;
  float* v = state.second.data();
  for (std::size_t i = first; i < last; ++i) {
    m[i] += kNew1 * (g[i] - m[i]);
    v[i] += kNew2 * (g[i] * g[i] - v[i]);
    w[i] -= rate * (m[i] * scale1 / (sqrt(v[i] * scale2) + kEpsilon) + decay * w[i]);
  }
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
