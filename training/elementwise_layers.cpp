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

InputRange::InputRange(std::string name, SampleShape input, float range, int bits, bool learns)
    : Layer(std::move(name), input, input),
      range_(range),
      steps_(bits > 0 ? std::ldexp(1.0f, bits - 1) - 1.0f : 0.0f),
      learns_(learns) {
  MQ_EXPECTS(range > 0.0f && bits >= 0 && bits <= 16);
}

std::string InputRange::description() const {
  const std::string range =
      learns_ ? fmt::format("learned range, at first +-{}", range_) : fmt::format("range +-{}", range_);
  return steps_ == 0.0f ? range : fmt::format("{} in {} steps", range, 2.0f * steps_);
}

void InputRange::initialize(std::span<float> parameters) const {
  if (learns_) parameters[0] = range_;
}

std::size_t InputRange::scratch_per_sample() const { return learns_ ? 2 * input().size() : 0; }

void InputRange::forward(const ForwardCall& call) const {
  kernels(call.exec.backend)
      .training.limit_inputs(call.exec, {.size = call.x.size(),
                                         .range = range_,
                                         .steps = steps_,
                                         .learned = learns_ ? call.parameters : nullptr,
                                         .x = call.x.data,
                                         .to = call.y.data});
}

void InputRange::backward(const BackwardCall& call) const {
  const TrainingKernels& table = kernels(call.exec.backend).training;
  LimitInputs op{.size = call.x.size(),
                 .range = range_,
                 .learned = learns_ ? call.parameters : nullptr,
                 .x = call.x.data,
                 .dy = call.dy.data,
                 .to = call.dx.data};
  if (call.dx.data != nullptr) table.limit_inputs_backward(call.exec, op);
  if (!learns_) return;
  // Summed over samples first: two short chains instead of a long one.
  op.to = call.scratch;
  float* sums = call.scratch + op.size;
  table.limit_range_backward(call.exec, op);
  table.sum_rows(call.exec, {.rows = call.x.rows, .columns = call.x.columns, .x = op.to, .sums = sums});
  table.sum_rows(call.exec, {.rows = call.x.columns, .columns = 1, .x = sums, .sums = call.gradient});
}

}  // namespace mq
