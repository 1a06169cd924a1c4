#include "meltquench/training/hardware_aware.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "meltquench/core/contract.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq {
namespace {

constexpr std::size_t kChunk =
    8192;  // elements per piece of work; sums are formed per piece, then over pieces

std::size_t chunks_of(std::size_t size) { return (size + kChunk - 1) / kChunk; }

/// Small layers are not worth waking threads for.
template <class Body>
void for_each_chunk(const Exec& exec, std::size_t size, Body body) {
  const auto chunks = static_cast<std::int64_t>(chunks_of(size));
#pragma omp parallel for schedule(static) num_threads(exec.threads) if (exec.threads > 1 && chunks > 8)
  for (std::int64_t c = 0; c < chunks; ++c) {
    const std::size_t first = static_cast<std::size_t>(c) * kChunk;
    body(static_cast<std::size_t>(c), first, std::min(first + kChunk, size));
  }
}

}  // namespace

void add_weight_noise(const Exec& exec, const Network& network, float strength, std::uint64_t seed,
                      std::uint64_t step, std::span<float> noisy) {
  MQ_EXPECTS(noisy.size() == network.parameters().size());
  const float* clean = network.parameters().data();
  for (std::size_t layer = 0; layer < network.weighted_layers().size(); ++layer) {
    const WeightedLayer& w = network.weighted_layers()[layer];
    const float* from = clean + w.offset;
    float* to = noisy.data() + w.offset;
    const float scale = strength * kernels(Backend::cpu).largest_magnitude({}, from, w.weights());
    const RngKey key = RngKey(seed, Purpose::weight_noise, static_cast<std::uint32_t>(layer)).at_moment(step);
    const Exec on_cpu{.backend = Backend::cpu, .threads = exec.threads};
    kernels(Backend::cpu)
        .add_normals(on_cpu, {.key = key, .scale = scale, .from = from, .to = to, .size = w.weights()});
    std::copy(from + w.weights(), from + w.shape.parameters(), to + w.weights());
  }
}

double standard_deviation(const Exec& exec, std::span<const float> values) {
  if (values.empty()) return 0.0;
  struct Sums {
    double sum = 0.0, squares = 0.0;
  };
  std::vector<Sums> parts(chunks_of(values.size()));
  for_each_chunk(exec, values.size(), [&](std::size_t chunk, std::size_t first, std::size_t last) {
    Sums lanes[4];  // four chains, so that one addition need not wait for the one before
    std::size_t i = first;
    for (; i + 4 <= last; i += 4) {
      for (std::size_t l = 0; l < 4; ++l) {
        const double value = static_cast<double>(values[i + l]);
        lanes[l].sum += value;
        lanes[l].squares += value * value;
      }
    }
    for (; i < last; ++i) {
      lanes[0].sum += static_cast<double>(values[i]);
      lanes[0].squares += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    }
    for (const Sums& lane : lanes) {
      parts[chunk].sum += lane.sum;
      parts[chunk].squares += lane.squares;
    }
  });
  Sums total;
  for (const Sums& part : parts) {
    total.sum += part.sum;
    total.squares += part.squares;
  }
  const double count = static_cast<double>(values.size()), mean = total.sum / count;
  return std::sqrt(std::max(0.0, total.squares / count - mean * mean));
}

void clip_weights(const Exec& exec, Network& network, float sigmas) {
  for (std::size_t layer = 0; layer < network.weighted_layers().size(); ++layer) {
    const MatrixView<float> w = network.weights(layer);
    const auto limit =
        static_cast<float>(static_cast<double>(sigmas) * standard_deviation(exec, {w.data, w.size()}));
    for (std::size_t i = 0; i < w.size(); ++i) w.data[i] = std::min(std::max(w.data[i], -limit), limit);
  }
}

}  // namespace mq
