#include <fmt/format.h>

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
  kernels(call.exec.backend)
      .training.add_bias(call.exec, {.rows = call.y.rows,
                                     .columns = outputs,
                                     .bias = call.parameters + outputs * input().size(),
                                     .y = call.y.data});
}

void Linear::backward(const BackwardCall& call) const {
  const std::size_t inputs = input().size(), outputs = output().size(), samples = call.dy.rows;
  float_product(call.exec, call.gemm,
                {.rows = outputs,
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
  kernels(call.exec.backend)
      .training.sum_rows(
          call.exec,
          {.rows = samples, .columns = outputs, .x = call.dy.data, .sums = call.gradient + outputs * inputs});
  if (call.dx.data == nullptr) return;
  float_product(call.exec, call.gemm,
                {.rows = samples,
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
