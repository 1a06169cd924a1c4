#include "meltquench/models/synthetic.h"

#include <algorithm>
#include <cstddef>

#include "meltquench/core/contract.h"
#include "meltquench/core/math.h"
#include "meltquench/core/random.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {

// Arrays of the key `sampling` that this file draws from.
enum Draw : std::uint32_t { kPattern, kTrain, kTest };

/// One value per pixel: uniform numbers, blurred twice over 3 x 3 neighbours and stretched to [0, 1].
std::vector<float> make_pattern(const SampleShape& shape, const RngKey& key, std::size_t label) {
  std::vector<float> image(shape.size());
  for (std::size_t i = 0; i < image.size(); ++i) {
    Rng<float> rng(key, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(label));
    image[i] = rng.uniform();
  }
  const auto height = static_cast<std::ptrdiff_t>(shape.height),
             width = static_cast<std::ptrdiff_t>(shape.width);
  for (int pass = 0; pass < 2; ++pass) {
    const std::vector<float> before = image;
    for (std::ptrdiff_t i = 0; i < static_cast<std::ptrdiff_t>(image.size()); ++i) {
      const std::ptrdiff_t plane = i / (height * width) * height * width;
      const std::ptrdiff_t row = (i - plane) / width, column = (i - plane) % width;
      float sum = 0.0f, count = 0.0f;
      for (std::ptrdiff_t y = std::max<std::ptrdiff_t>(row - 1, 0); y < std::min(row + 2, height); ++y) {
        for (std::ptrdiff_t x = std::max<std::ptrdiff_t>(column - 1, 0); x < std::min(column + 2, width);
             ++x) {
          sum += before[static_cast<std::size_t>(plane + y * width + x)];
          count += 1.0f;
        }
      }
      image[static_cast<std::size_t>(i)] = sum / count;
    }
  }
  const auto [low, high] = std::ranges::minmax(image);
  for (float& value : image) value = high > low ? (value - low) / (high - low) : 0.0f;
  return image;
}

Dataset make_set(const SyntheticParams& params, const std::vector<std::vector<float>>& patterns,
                 const RngKey& key, std::size_t count) {
  Dataset set;
  set.shape = params.shape;
  set.classes = params.classes;
  set.labels.resize(count);
  set.images.resize(count * params.shape.size());
  const auto height = static_cast<std::ptrdiff_t>(params.shape.height);
  const auto width = static_cast<std::ptrdiff_t>(params.shape.width);
  const std::size_t size = params.shape.size();
  for (std::size_t n = 0; n < count; ++n) {
    throw_if_stopped();
    const auto row_of_draws = static_cast<std::uint32_t>(n);
    Rng<float> rng(key, static_cast<std::uint32_t>(size), row_of_draws);  // pixels use the indices below
    const auto label = std::min(static_cast<std::size_t>(rng.uniform() * static_cast<float>(params.classes)),
                                params.classes - 1);
    const float brightness = fma(0.4f, rng.uniform(), 0.6f);
    const auto down = static_cast<std::ptrdiff_t>(rng.uniform() * 3.0f) - 1;
    const auto right = static_cast<std::ptrdiff_t>(rng.uniform() * 3.0f) - 1;
    set.labels[n] = static_cast<std::uint8_t>(label);
    for (std::size_t i = 0; i < size; ++i) {
      const auto plane = static_cast<std::ptrdiff_t>(i) / (height * width);
      const auto row =
          std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(i) / width % height + down, 0, height - 1);
      const auto column =
          std::clamp<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(i) % width + right, 0, width - 1);
      const float clean = patterns[label][static_cast<std::size_t>((plane * height + row) * width + column)];
      Rng<float> pixel(key, static_cast<std::uint32_t>(i), row_of_draws);
      set.images[n * size + i] = clamp(fma(params.noise, pixel.normal(), clean * brightness), 0.0f, 1.0f);
    }
  }
  return set;
}

}  // namespace

DatasetPair make_synthetic(const SyntheticParams& params, std::uint64_t seed) {
  MQ_EXPECTS(params.classes >= 1 && params.classes <= 256 && params.shape.size() > 0);
  const RngKey key(seed, Purpose::sampling);
  std::vector<std::vector<float>> patterns;
  for (std::size_t label = 0; label < params.classes; ++label) {
    patterns.push_back(make_pattern(params.shape, key.at_event(0, kPattern), label));
  }
  return {make_set(params, patterns, key.at_event(0, kTrain), params.train),
          make_set(params, patterns, key.at_event(0, kTest), params.test)};
}

}  // namespace mq
