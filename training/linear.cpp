#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/layers.h"

namespace mq {

Linear::Linear(std::string name, SampleShape input, std::size_t outputs)
    : Layer(std::move(name), input, {.channels = outputs}) {
  if (outputs == 0 || input.size() == 0) {
    throw ShapeError(fmt::format("the linear layer {} has {} inputs and {} outputs; both must be at least 1",
                                 this->name(), input.size(), outputs));
  }
}

std::string Linear::description() const {
  return fmt::format("linear {} -> {}", input().size(), output().size());
}

std::optional<WeightShape> Linear::weights() const {
  return WeightShape{.outputs = output().size(), .inputs = input().size()};
}

void Linear::forward(const ForwardCall& call) const {
  call.product.multiply(call.exec, call.weighted_layer, call.first_sample, call.x, call.y);
  const std::size_t outputs = output().size();
  const float* bias = call.parameters + outputs * input().size();
  for (std::size_t r = 0; r < call.y.rows; ++r) {
    float* y = call.y.row(r);
    for (std::size_t i = 0; i < outputs; ++i) y[i] += bias[i];
  }
}

void Linear::backward(const BackwardCall& call) const {
  const std::size_t inputs = input().size(), outputs = output().size(), samples = call.dy.rows;
  const auto product = kernels(Backend::cpu).float_product;
  product(call.exec, {.rows = outputs,
                      .columns = inputs,
                      .depth = samples,
                      .a = call.dy.data,
                      .a_row = 1,
                      .a_column = outputs,
                      .b = call.x.data,
                      .b_row = inputs,
                      .b_column = 1,
                      .c = call.gradient,
                      .c_row = inputs});
  float* d_bias = call.gradient + outputs * inputs;
  std::fill(d_bias, d_bias + outputs, 0.0f);
  for (std::size_t r = 0; r < samples; ++r) {
    const float* dy = call.dy.row(r);
    for (std::size_t i = 0; i < outputs; ++i) d_bias[i] += dy[i];
  }
  if (call.dx.data == nullptr) return;
  product(call.exec, {.rows = samples,
                      .columns = inputs,
                      .depth = outputs,
                      .a = call.dy.data,
                      .a_row = outputs,
                      .a_column = 1,
                      .b = call.parameters,
                      .b_row = inputs,
                      .b_column = 1,
                      .c = call.dx.data,
                      .c_row = inputs});
}

}  // namespace mq
