#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "meltquench/core/error.h"
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

template <class Visit>
void Pool2d::for_each_window(Visit visit) const {
  std::size_t place = 0;
  for (std::size_t c = 0; c < output().channels; ++c) {
    for (std::size_t i = 0; i < output().height; ++i) {
      for (std::size_t j = 0; j < output().width; ++j) {
        visit(place++, (c * input().height + i * stride_) * input().width + j * stride_);
      }
    }
  }
}

std::string MaxPool2d::description() const { return fmt::format("{} x {} maximum pooling", size_, size_); }

namespace {

std::size_t place_of_maximum(const float* x, std::size_t first, std::size_t size, std::size_t width) {
  std::size_t best = first;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      const std::size_t place = first + i * width + j;
      if (x[place] > x[best]) best = place;
    }
  }
  return best;
}

}  // namespace

void MaxPool2d::forward(const ForwardCall& call) const {
  for (std::size_t s = 0; s < call.x.rows; ++s) {
    const float* x = call.x.row(s);
    float* y = call.y.row(s);
    for_each_window([&](std::size_t place, std::size_t first) {
      y[place] = x[place_of_maximum(x, first, size_, input().width)];
    });
  }
}

void MaxPool2d::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  std::fill(call.dx.data, call.dx.data + call.dx.size(), 0.0f);
  for (std::size_t s = 0; s < call.x.rows; ++s) {
    const float* x = call.x.row(s);
    const float* dy = call.dy.row(s);
    float* dx = call.dx.row(s);
    for_each_window([&](std::size_t place, std::size_t first) {
      dx[place_of_maximum(x, first, size_, input().width)] += dy[place];
    });
  }
}

std::string AvgPool2d::description() const { return fmt::format("{} x {} mean pooling", size_, size_); }

void AvgPool2d::forward(const ForwardCall& call) const {
  const float share = 1.0f / static_cast<float>(size_ * size_);
  for (std::size_t s = 0; s < call.x.rows; ++s) {
    const float* x = call.x.row(s);
    float* y = call.y.row(s);
    for_each_window([&](std::size_t place, std::size_t first) {
      float sum = 0.0f;
      for (std::size_t i = 0; i < size_; ++i) {
        for (std::size_t j = 0; j < size_; ++j) sum += x[first + i * input().width + j];
      }
      y[place] = sum * share;
    });
  }
}

void AvgPool2d::backward(const BackwardCall& call) const {
  if (call.dx.data == nullptr) return;
  const float share = 1.0f / static_cast<float>(size_ * size_);
  std::fill(call.dx.data, call.dx.data + call.dx.size(), 0.0f);
  for (std::size_t s = 0; s < call.x.rows; ++s) {
    const float* dy = call.dy.row(s);
    float* dx = call.dx.row(s);
    for_each_window([&](std::size_t place, std::size_t first) {
      for (std::size_t i = 0; i < size_; ++i) {
        for (std::size_t j = 0; j < size_; ++j) dx[first + i * input().width + j] += dy[place] * share;
      }
    });
  }
}

}  // namespace mq
