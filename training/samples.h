/// What training and evaluation read: samples with labels, borrowed from whoever holds the data set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "meltquench/core/matrix_view.h"

namespace mq {

/// Shape of one sample between two layers. In memory: [channels][height][width].
struct SampleShape {
  std::size_t channels = 1;
  std::size_t height = 1;
  std::size_t width = 1;

  constexpr std::size_t size() const { return channels * height * width; }
  friend constexpr bool operator==(const SampleShape&, const SampleShape&) = default;
};

/// "6 x 28 x 28", or "128" for a plain vector.
std::string format_shape(const SampleShape& shape);

struct Samples {
  MatrixView<const float> images;        ///< [samples, size of a sample]
  std::span<const std::uint8_t> labels;  ///< class of each sample

  std::size_t count() const { return images.rows; }
};

}  // namespace mq
