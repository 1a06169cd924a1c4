#include "meltquench/training/loss.h"

#include <algorithm>

#include "meltquench/core/contract.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {

LossSums LossSums::from(std::span<const std::int64_t> counts) {
  MQ_EXPECTS(counts.size() >= kLossCounts);
  return {counts[kLoss], counts[kCorrect], counts[kSamples], counts[kNotFinite]};
}

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
  MQ_EXPECTS(std::ranges::all_of(labels, [&](std::size_t label) { return label < outputs.columns; }));
  MQ_EXPECTS(d_outputs.data == nullptr ||
             (d_outputs.rows == outputs.rows && d_outputs.columns == outputs.columns));
  std::int64_t counts[kLossCounts] = {};
  kernels(Backend::cpu)
      .training.softmax_loss({}, {.rows = outputs.rows,
                                  .classes = outputs.columns,
                                  .outputs = outputs.data,
                                  .labels = labels.data(),
                                  .scale = scale,
                                  .d_outputs = d_outputs.data,
                                  .counts = counts});
  return LossSums::from(counts);
}

}  // namespace mq
