#include <fmt/format.h>

#include <cstdint>
#include <string>

#include "meltquench/core/error.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/training/layers.h"

namespace mq {
namespace {

SampleShape pooled_shape(const std::string& name, const SampleShape& input, std::size_t size,
                         std::size_t stride) {
  if (size == 0 || stride == 0) {
    throw ShapeError(
        fmt::format("the pooling layer {} has windows of size {} with stride {}; both must be at least 1",
                    name, size, stride));
  }
  if (size > input.height || size > input.width) {
    throw ShapeError(
        fmt::format("the pooling layer {} has windows of {} x {} but its input is only {} x {}; use smaller "
                    "windows",
                    name, size, size, input.height, input.width));
  }
  return {input.channels, (input.height - size) / stride + 1, (input.width - size) / stride + 1};
}

}  // namespace

Pool2d::Pool2d(std::string name, SampleShape input, std::size_t size, std::size_t stride)
    : Layer(name, input, pooled_shape(name, input, size, stride)), size_(size), stride_(stride) {}

Windows Pool2d::windows(std::size_t samples) const {
  const auto narrow = [](std::size_t n) { return static_cast<std::uint32_t>(n); };
  return {.samples = narrow(samples),
          .channels = narrow(input().channels),
          .height = narrow(input().height),
          .width = narrow(input().width),
          .rows = narrow(output().height),
          .columns = narrow(output().width),
          .size = narrow(size_),
          .stride = narrow(stride_)};
}

std::string MaxPool2d::description() const { return fmt::format("{} x {} maximum pooling", size_, size_); }

void MaxPool2d::forward(const ForwardCall& call) const {
  kernels(call.exec.backend)
      .training.max_pool(call.exec, {.windows = windows(call.x.rows), .x = call.x.data, .y = call.y.data});
}

void MaxPool2d::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  kernels(call.exec.backend)
      .training.max_pool_backward(
          call.exec,
          {.windows = windows(call.x.rows), .x = call.x.data, .dy = call.dy.data, .dx = call.dx.data});
}

std::string AvgPool2d::description() const { return fmt::format("{} x {} mean pooling", size_, size_); }

void AvgPool2d::forward(const ForwardCall& call) const {
  kernels(call.exec.backend)
      .training.mean_pool(call.exec, {.windows = windows(call.x.rows), .x = call.x.data, .y = call.y.data});
}

void AvgPool2d::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  kernels(call.exec.backend)
      .training.mean_pool_backward(call.exec,
                                   {.windows = windows(call.x.rows), .dy = call.dy.data, .dx = call.dx.data});
}

}  // namespace mq
