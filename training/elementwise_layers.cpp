#include <fmt/format.h>

#include <cmath>
#include <string>

#include "meltquench/core/contract.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/layers.h"

namespace mq {

void Relu::forward(const ForwardCall& call) const {
  kernels(call.exec.backend)
      .training.rectify(call.exec, {.size = call.x.size(), .x = call.x.data, .to = call.y.data});
}

void Relu::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  kernels(call.exec.backend)
      .training.rectify_backward(
          call.exec, {.size = call.x.size(), .x = call.x.data, .dy = call.dy.data, .to = call.dx.data});
}

InputRange::InputRange(std::string name, SampleShape input, float range, int bits)
    : Layer(std::move(name), input, input),
      range_(range),
      steps_(bits > 0 ? std::ldexp(1.0f, bits - 1) - 1.0f : 0.0f) {
  MQ_EXPECTS(range > 0.0f && bits >= 0 && bits <= 16);
}

std::string InputRange::description() const {
  if (steps_ == 0.0f) return fmt::format("range +-{}", range_);
  return fmt::format("range +-{} in {} steps", range_, 2.0f * steps_);
}

void InputRange::forward(const ForwardCall& call) const {
  kernels(call.exec.backend)
      .training.limit_inputs(
          call.exec,
          {.size = call.x.size(), .range = range_, .steps = steps_, .x = call.x.data, .to = call.y.data});
}

void InputRange::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  kernels(call.exec.backend)
      .training.limit_inputs_backward(
          call.exec,
          {.size = call.x.size(), .range = range_, .x = call.x.data, .dy = call.dy.data, .to = call.dx.data});
}

}  // namespace mq
