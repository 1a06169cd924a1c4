/// The one operation of a network that an analog tile takes over: the product with the weights of a layer.
///
/// Everything else (bias, activation, pooling, loss) is digital and stays in `Network`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/kernels/training_ops.h"

namespace mq {

/// The patches of a convolution, as rows of a product that need not be written down.
struct PatchRows {
  Windows windows;
  const float* images = nullptr;  ///< [samples, channels, height, width], on the backend
  float* memory = nullptr;        ///< [samples * windows, channels * size^2], for whoever writes them down
};

class WeightProduct {
 public:
  virtual ~WeightProduct() = default;

  /// y[rows, out] = x[rows, in] W^T with the weights of the layer `weighted_layer` (its place in
  /// `Network::weighted_layers()`). `first_row` is the place of row 0 in the data set: the sample for a
  /// linear layer, sample * patches + patch for a convolution. Row r must depend on nothing but x[r] and
  /// `first_row` + r. x and y lie on the backend of `exec`.
  virtual void multiply(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                        MatrixView<const float> x, MatrixView<float> y) = 0;
  /// The same for x = the patches. Here they are gathered, then multiplied.
  virtual void multiply_patches(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                                const PatchRows& patches, MatrixView<float> y);
};

}  // namespace mq
