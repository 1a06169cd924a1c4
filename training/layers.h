/// The layers. Each constructor takes a name and the shape of one input sample; a shape that makes no sense
/// throws a ShapeError that names the layer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "meltquench/kernels/training_ops.h"
#include "meltquench/training/layer.h"

namespace mq {

/// y = x W^T + b; takes a sample of any shape as a vector.
class Linear final : public Layer {
 public:
  Linear(std::string name, SampleShape input, std::size_t outputs);

  std::string description() const override;
  std::optional<WeightShape> weights() const override;
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;
};

struct ConvolutionParams {
  std::size_t filters = 1;
  std::size_t kernel = 3;  ///< height and width of a filter
  std::size_t stride = 1;
  std::size_t padding = 0;  ///< zeros on each side
};

/// Two-dimensional convolution, W[filters, channels * kernel * kernel], as one product over all patches of
/// all samples. K. Chellapilla, S. Puri, P. Simard, "High performance convolutional neural networks for
/// document processing" (2006).
class Conv2d final : public Layer {
 public:
  Conv2d(std::string name, SampleShape input, const ConvolutionParams& params);

  std::string description() const override;
  std::optional<WeightShape> weights() const override;
  std::size_t kept_per_sample() const override;     ///< the patches
  std::size_t scratch_per_sample() const override;  ///< outputs by patch, and the gradient by the patches
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;

 private:
  std::size_t patches() const { return output().height * output().width; }
  std::size_t patch_size() const { return input().channels * params_.kernel * params_.kernel; }
  Windows windows(std::size_t samples) const;

  ConvolutionParams params_;
};

/// max(x, 0).
class Relu final : public Layer {
 public:
  Relu(std::string name, SampleShape input) : Layer(std::move(name), input, input) {}

  std::string description() const override { return "rectifier"; }
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;
};

/// Clips to [-range, range] and, with `bits` > 0, rounds to 2^(bits-1) - 1 steps on each side, as the
/// converters in front of a tile do. The gradient passes where the value was not clipped (straight-through
/// estimator: Y. Bengio, N. Leonard, A. Courville, arXiv:1308.3432, 2013). A range that `learns` is the one
/// parameter of the layer; its gradient is the sum of that by the values it clips, with their sign (J. Choi
/// et al., arXiv:1805.06085, 2018).
class InputRange final : public Layer {
 public:
  /// Expects range > 0, 0 <= bits <= 16.
  InputRange(std::string name, SampleShape input, float range, int bits, bool learns = false);

  std::string description() const override;
  std::size_t parameters() const override { return learns_ ? 1 : 0; }
  void initialize(std::span<float> parameters) const override;
  std::size_t scratch_per_sample() const override;  ///< parts of the gradient by the range, and their sums
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;

 private:
  float range_;  ///< where it learns, what it starts from
  float steps_;  ///< on each side of 0; 0: values are not rounded
  bool learns_;
};

/// Pooling over windows of `size` x `size` without padding; what does not fill a window is left out.
class Pool2d : public Layer {
 protected:
  Pool2d(std::string name, SampleShape input, std::size_t size, std::size_t stride);
  Windows windows(std::size_t samples) const;

  std::size_t size_, stride_;
};

/// The largest value of a window; the first of several equal ones gets the gradient.
class MaxPool2d final : public Pool2d {
 public:
  MaxPool2d(std::string name, SampleShape input, std::size_t size, std::size_t stride)
      : Pool2d(std::move(name), input, size, stride) {}

  std::string description() const override;
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;
};

/// The mean of a window.
class AvgPool2d final : public Pool2d {
 public:
  AvgPool2d(std::string name, SampleShape input, std::size_t size, std::size_t stride)
      : Pool2d(std::move(name), input, size, stride) {}

  std::string description() const override;
  void forward(const ForwardCall& call) const override;
  void backward(const BackwardCall& call) const override;
};

}  // namespace mq
