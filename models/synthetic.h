/// A small generated classification problem, for tests and quick trials: no files, learnable in seconds.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/models/dataset.h"

namespace mq {

struct SyntheticParams {
  std::size_t train = 2000, test = 500;
  SampleShape shape{1, 12, 12};
  std::size_t classes = 10;  ///< at most 256
  float noise = 0.15f;       ///< standard deviation of a pixel around its class's pattern
};

/// Each class has a pattern of blurred random blots, drawn from the seed; an image is its class's pattern,
/// moved by up to one pixel, times a brightness, plus noise, limited to [0, 1]. A function of parameters and
/// seed alone; image i is the same for any `train` and `test` count.
DatasetPair make_synthetic(const SyntheticParams& params, std::uint64_t seed);

}  // namespace mq
