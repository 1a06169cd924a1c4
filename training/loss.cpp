#include "meltquench/training/loss.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"

namespace mq {

LossSums& LossSums::operator+=(const LossSums& other) {
  loss += other.loss;
  correct += other.correct;
  samples += other.samples;
  not_finite += other.not_finite;
  return *this;
}

double LossSums::mean_loss() const {
  const std::int64_t finite = samples - not_finite;
  return finite > 0 ? static_cast<double>(loss) * kLossUnit / static_cast<double>(finite) : 0.0;
}

double LossSums::accuracy() const {
  return samples > 0 ? static_cast<double>(correct) / static_cast<double>(samples) : 0.0;
}

LossSums softmax_cross_entropy(MatrixView<const float> outputs, std::span<const std::uint8_t> labels,
                               float scale, MatrixView<float> d_outputs) {
  MQ_EXPECTS(outputs.rows == labels.size());
  MQ_EXPECTS(d_outputs.data == nullptr ||
             (d_outputs.rows == outputs.rows && d_outputs.columns == outputs.columns));
  LossSums sums;
  for (std::size_t r = 0; r < outputs.rows; ++r) {
    const float* z = outputs.row(r);
    const std::size_t label = labels[r];
    MQ_EXPECTS(label < outputs.columns);
    const std::size_t best = static_cast<std::size_t>(std::max_element(z, z + outputs.columns) - z);
    const float largest = z[best];
    float sum = 0.0f, probe = 0.0f;
    for (std::size_t i = 0; i < outputs.columns; ++i) {
      sum += exp(z[i] - largest);  // mq::exp: the same bits with every C library
      probe += z[i] * 0.0f;        // no number as soon as one output is none
    }
    const double loss = static_cast<double>(log(sum) + (largest - z[label]));
    if (probe == 0.0f && loss <= 1e6) {
      sums.loss += std::llrint(std::max(loss, 0.0) / kLossUnit);
    } else {
      ++sums.not_finite;
    }
    sums.correct += best == label ? 1 : 0;
    ++sums.samples;
    if (d_outputs.data == nullptr) continue;
    float* dz = d_outputs.row(r);
    const float share = scale / sum;
    for (std::size_t i = 0; i < outputs.columns; ++i) {
      dz[i] = fma(exp(z[i] - largest), share, i == label ? -scale : 0.0f);
    }
  }
  return sums;
}

}  // namespace mq
