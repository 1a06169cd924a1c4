#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"
#include "meltquench/training/layers.h"

namespace mq {

void Relu::forward(const ForwardCall& call) const {
  const std::size_t size = call.x.size();
  for (std::size_t i = 0; i < size; ++i) call.y.data[i] = call.x.data[i] > 0.0f ? call.x.data[i] : 0.0f;
}

void Relu::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  const std::size_t size = call.x.size();
  for (std::size_t i = 0; i < size; ++i) call.dx.data[i] = call.x.data[i] > 0.0f ? call.dy.data[i] : 0.0f;
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
  const std::size_t size = call.x.size();
  for (std::size_t i = 0; i < size; ++i) call.y.data[i] = clamp(call.x.data[i], -range_, range_);
  if (steps_ == 0.0f) return;
  const float steps_per_unit = steps_ / range_, step = range_ / steps_;
  for (std::size_t i = 0; i < size; ++i) call.y.data[i] = rint(call.y.data[i] * steps_per_unit) * step;
}

void InputRange::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  const std::size_t size = call.x.size();
  for (std::size_t i = 0; i < size; ++i) {
    call.dx.data[i] = abs(call.x.data[i]) <= range_ ? call.dy.data[i] : 0.0f;
  }
}

}  // namespace mq
