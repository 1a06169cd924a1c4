/// What training and evaluation read: samples with labels, borrowed from whoever holds the data set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "meltquench/core/buffer.h"
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

/// Samples where the kernels of a backend can read them: the borrowed memory itself on a host backend, a copy
/// on a device, made once.
class ResidentSamples {
 public:
  /// Throws ResourceError if the device lacks the memory.
  ResidentSamples(const Exec& exec, const Samples& samples);

  /// As borrowed, in host memory.
  const Samples& host() const { return host_; }
  std::size_t count() const { return host_.count(); }
  MatrixView<const float> images() const;  ///< on the backend
  const std::uint8_t* labels() const;      ///< on the backend

 private:
  Samples host_;
  Buffer<float> images_;  // empty on a host backend
  Buffer<std::uint8_t> labels_;
};

}  // namespace mq
