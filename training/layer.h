/// A layer: forward, backward and the shape of its parameters. It holds no numbers: parameters and
/// activations are handed in, so that several threads can run different samples, or different copies of the
/// weights, through it. Pointers lie on the backend of `exec`, whose kernels do all arithmetic.
///
/// Samples are rows. A layer treats each row by itself and in the same order of operations, so results do not
/// depend on how samples are split into batches; gradients are sums over the rows of a call, in ascending
/// order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/training/gemm.h"
#include "meltquench/training/samples.h"
#include "meltquench/training/weight_product.h"

namespace mq {

/// Weights of a layer, W[outputs, inputs] row-major, used `rows_per_sample` times per sample. The parameters
/// of the layer are W followed by one bias per output.
struct WeightShape {
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::size_t rows_per_sample = 1;

  std::size_t parameters() const { return outputs * inputs + outputs; }
};

struct ForwardCall {
  const Exec& exec;
  WeightProduct& product;
  std::size_t weighted_layer = 0;  ///< of this layer, if it has weights
  std::uint64_t first_sample = 0;  ///< place of row 0 in the data set
  const float* parameters = nullptr;
  MatrixView<const float> x;  ///< [samples, input().size()]
  MatrixView<float> y;        ///< [samples, output().size()], overwritten
  float* kept = nullptr;      ///< [samples * kept_per_sample()], for `backward`; null where there is none
  float* scratch = nullptr;   ///< [samples * scratch_per_sample()]
};

struct BackwardCall {
  const Exec& exec;
  const float* parameters = nullptr;
  MatrixView<const float> x, y;  ///< of the forward call
  MatrixView<const float> dy;    ///< gradient of the loss by y
  MatrixView<float> dx;          ///< gradient by x, overwritten; data is null if nobody needs it
  const float* kept = nullptr;
  float* scratch = nullptr;
  float* gradient = nullptr;  ///< by the parameters, overwritten
  Gemm gemm = Gemm::exact;    ///< of products
};

class Layer {
 public:
  virtual ~Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  const std::string& name() const { return name_; }  ///< "fc1"
  const SampleShape& input() const { return input_; }
  const SampleShape& output() const { return output_; }

  /// What it is, in words: "2 x 2 maximum pooling".
  virtual std::string description() const = 0;
  /// Nothing for a layer without weights.
  virtual std::optional<WeightShape> weights() const { return std::nullopt; }
  /// Those of its weights and biases, or of a layer without weights its own.
  virtual std::size_t parameters() const { return weights() ? weights()->parameters() : 0; }
  /// Sets the parameters of a layer without weights to what they start from.
  virtual void initialize(std::span<float>) const {}
  virtual std::size_t kept_per_sample() const { return 0; }
  virtual std::size_t scratch_per_sample() const { return 0; }

  virtual void forward(const ForwardCall& call) const = 0;
  virtual void backward(const BackwardCall& call) const = 0;

 protected:
  Layer(std::string name, SampleShape input, SampleShape output)
      : name_(std::move(name)), input_(input), output_(output) {}

 private:
  std::string name_;
  SampleShape input_, output_;
};

}  // namespace mq
