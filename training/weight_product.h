/// The one operation of a network that an analog tile takes over: the product with the weights of a layer.
///
/// Everything else (bias, activation, pooling, loss) is digital and stays in `Network`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"

namespace mq {

class WeightProduct {
 public:
  virtual ~WeightProduct() = default;

  /// y[rows, out] = x[rows, in] W^T with the weights of the layer `weighted_layer` (its place in
  /// `Network::weighted_layers()`). `first_row` is the place of row 0 in the data set: the sample for a
  /// linear layer, sample * patches + patch for a convolution. Row r must depend on nothing but x[r] and
  /// `first_row` + r. x and y lie on the backend of `exec`.
  virtual void multiply(const Exec& exec, std::size_t weighted_layer, std::uint64_t first_row,
                        MatrixView<const float> x, MatrixView<float> y) = 0;
};

}  // namespace mq
