/// An ordered list of layers and their parameters.
///
/// A network's own parameters lie on the host, for files, printing and mapping onto tiles. Passes compute on
/// the backend of their `exec` with memory that lies there: images, the parameters handed in, outputs. With
/// the one float product of kernels/float_product.h results do not depend on the backend, on how samples are
/// split into batches or on the number of threads, bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "meltquench/core/buffer.h"
#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/training/layer.h"
#include "meltquench/training/weight_product.h"

namespace mq {

/// A layer with weights: what is mapped onto tiles.
struct WeightedLayer {
  std::string name;
  std::size_t layer = 0;  ///< place among all layers
  WeightShape shape;
  std::size_t offset = 0;  ///< of W in `Network::parameters()`; the biases follow W

  std::size_t weights() const { return shape.outputs * shape.inputs; }
};

/// Where digital arithmetic runs when tiles compute on `exec`: there as well, but on the CPU for the backend
/// reference, whose products are oracles.
Exec digital_exec(const Exec& exec);

/// Memory of one pass; grows as needed and is used again from batch to batch. One per thread.
class Workspace {
 private:
  friend class Network;
  std::vector<Buffer<float>> y_, kept_;  // one per layer
  Buffer<float> scratch_, dx_, dy_;
  MatrixView<const float> x_;
};

struct ForwardOptions {
  std::uint64_t first_sample = 0;       ///< place of the first image in the data set
  WeightProduct* product = nullptr;     ///< who multiplies; null: the digital weights
  std::span<const float> parameters{};  ///< on the backend; empty: the network's own, for host backends
  Gemm gemm = Gemm::exact;              ///< of the digital weights
  bool keeps_activations = true;        ///< for `backward`; else two layers' outputs are held at a time
};

class Network {
 public:
  explicit Network(const SampleShape& input) : input_(input) {}

  /// Appends a layer that takes what the network gives so far: `network.append<Linear>("fc1", 256)`.
  /// Throws ShapeError if the shapes do not fit, StateError if a layer with weights has a name that is taken.
  template <class L, class... Arguments>
  Network& append(std::string name, Arguments&&... arguments) {
    return append(std::make_unique<L>(std::move(name), output(), std::forward<Arguments>(arguments)...));
  }
  Network& append(std::unique_ptr<Layer> layer);

  const SampleShape& input() const { return input_; }
  const SampleShape& output() const { return layers_.empty() ? input_ : layers_.back()->output(); }
  std::size_t layer_count() const { return layers_.size(); }
  const Layer& layer(std::size_t index) const { return *layers_[index]; }
  /// Place of a layer's parameters in `parameters()`.
  std::size_t offset(std::size_t layer) const { return offsets_[layer]; }

  std::span<const WeightedLayer> weighted_layers() const { return weighted_; }
  /// W[outputs, inputs] and the biases [outputs] of a weighted layer.
  MatrixView<float> weights(std::size_t weighted_layer);
  MatrixView<const float> weights(std::size_t weighted_layer) const;
  std::span<float> bias(std::size_t weighted_layer);
  std::span<const float> bias(std::size_t weighted_layer) const;
  /// All of them, layer after layer: W and biases, or what a layer without weights learns.
  std::span<float> parameters() { return parameters_; }
  std::span<const float> parameters() const { return parameters_; }

  /// Draws the weights: uniform in +-sqrt(6 / inputs), which keeps the variance of signals through
  /// rectifiers; biases are 0, other parameters what their layer starts from. K. He et al., ICCV 2015,
  /// doi:10.1109/ICCV.2015.123.
  void initialize(std::uint64_t seed);

  /// Outputs [samples, output().size()] for images [samples, input().size()]; they lie in the workspace until
  /// its next use, and the images must live as long. `exec.threads` are handed to the kernels. Nothing waits
  /// for a device. Throws ShapeError.
  MatrixView<const float> forward(const Exec& exec, MatrixView<const float> images, Workspace& workspace,
                                  const ForwardOptions& options = {}) const;
  /// Gradient by the parameters, overwritten, from the gradient by the outputs of the last `forward` on this
  /// workspace. `parameters`: those of that call, empty for the network's own.
  void backward(const Exec& exec, MatrixView<const float> d_outputs, Workspace& workspace,
                std::span<float> gradient, std::span<const float> parameters = {},
                Gemm gemm = Gemm::exact) const;

 private:
  SampleShape input_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::size_t> offsets_;
  std::vector<WeightedLayer> weighted_;
  std::vector<float> parameters_;
};

/// The product with weights that lie in an array like `Network::parameters()`.
class DigitalProduct final : public WeightProduct {
 public:
  DigitalProduct(std::span<const WeightedLayer> layers, std::span<const float> parameters,
                 Gemm gemm = Gemm::exact)
      : layers_(layers), parameters_(parameters), gemm_(gemm) {}
  void multiply(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                MatrixView<const float> x, MatrixView<float> y) override;

 private:
  std::span<const WeightedLayer> layers_;
  std::span<const float> parameters_;
  Gemm gemm_;
};

}  // namespace mq
