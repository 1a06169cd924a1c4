/// Softmax cross-entropy and accuracy; sums are integers, so no order of samples matters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meltquench/core/matrix_view.h"
#include "meltquench/kernels/training_ops.h"

namespace mq {

/// Sums over samples; those of parts of a data set may be added in any order.
struct LossSums {
  std::int64_t loss = 0;        ///< as kLoss of kernels/training_ops.h
  std::int64_t correct = 0;     ///< as kCorrect
  std::int64_t samples = 0;     ///< as kSamples
  std::int64_t not_finite = 0;  ///< as kNotFinite

  /// What softmax_loss counted, in host memory.
  static LossSums from(std::span<const std::int64_t> counts);

  LossSums& operator+=(const LossSums& other);
  double mean_loss() const;  ///< of the samples with a finite loss; 0 if there are none
  double accuracy() const;   ///< 0 to 1; 0 if there are no samples
};

/// Loss of outputs[samples, classes] in host memory. Writes scale * (softmax - one-hot), the gradient by the
/// outputs, to `d_outputs` unless its data is null. Expects labels < classes and equal numbers of rows.
LossSums softmax_cross_entropy(MatrixView<const float> outputs, std::span<const std::uint8_t> labels,
                               float scale, MatrixView<float> d_outputs);

}  // namespace mq
