#include "meltquench/training/samples.h"

#include <fmt/format.h>

namespace mq {

std::string format_shape(const SampleShape& shape) {
  if (shape.height == 1 && shape.width == 1) return fmt::format("{}", shape.channels);
  return fmt::format("{} x {} x {}", shape.channels, shape.height, shape.width);
}

ResidentSamples::ResidentSamples(const Exec& exec, const Samples& samples) : host_(samples) {
  if (exec.backend != Backend::cuda) return;
  images_ = Buffer<float>(exec, std::span(samples.images.data, samples.images.size()));
  labels_ = Buffer<std::uint8_t>(exec, samples.labels);
}

MatrixView<const float> ResidentSamples::images() const {
  return images_.empty() ? host_.images : images_.as_matrix(host_.images.rows, host_.images.columns);
}

const std::uint8_t* ResidentSamples::labels() const {
  return labels_.empty() ? host_.labels.data() : labels_.data();
}

}  // namespace mq
