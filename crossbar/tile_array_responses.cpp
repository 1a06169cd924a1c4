/// What an array answers to single inputs: the measurements that factors against drift compare.
#include <numeric>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {
namespace {

/// The moments of the reads that `reads` stands for.
std::vector<TileTime> moments_of(TileTime moment, ResponseReads reads) {
  if (reads.count < 1) throw ConfigError("a response is the mean of 1 read or more");
  moment.is_exact = reads.is_exact;
  std::vector<TileTime> moments(reads.is_exact ? 1 : static_cast<std::size_t>(reads.count), moment);
  for (std::size_t i = 0; i < moments.size(); ++i) moments[i].read = i;
  return moments;
}

}  // namespace

void TileArray::count_response_reads(std::size_t times) {
  for (const Tile& tile : tiles_)
    counters_.response_reads += static_cast<std::int64_t>(times * tile.inputs());
}

void TileArray::compensate_drift(std::span<const double> factors) {
  check_programmed();
  if (factors.size() != tiles_.size()) {
    throw ShapeError("the array has " + std::to_string(tiles_.size()) + " tiles but got " +
                     std::to_string(factors.size()) + " factors; give one for each tile");
  }
  factors_.assign(factors.begin(), factors.end());
  forward_.is_stale = transposed_.is_stale = true;
}

std::vector<double> TileArray::mean_responses(const Exec& exec, ResponseReads reads) {
  check_programmed();
  const WeightMapping how = mapping();
  std::vector<double> responses(tiles_.size(), 0.0);
  if (!reads.is_exact) count_response_reads(moments_of(now(), reads).size());
  for (std::size_t t = 0; t < tiles_.size(); ++t) {
    for (std::size_t p = 0; p < tiles_[t].planes().size(); ++p) {
      const Plane& plane = tiles_[t].planes()[p];
      if (plane.role.kind == PlaneKind::computed_zero) continue;
      AveragedRead read(plane.outputs, tiles_[t].inputs());
      for (const TileTime& moment : moments_of(now(), reads)) {
        const std::vector<float> response = tiles_[t].read_plane(exec, p, moment);
        read.add({response.data(), plane.outputs, tiles_[t].inputs()});
      }
      const std::vector<double> magnitudes = read.magnitudes();
      responses[t] += std::accumulate(magnitudes.begin(), magnitudes.end(), 0.0) /
                      static_cast<double>(magnitudes.size()) * how.weight_per_siemens(plane.role.slice) /
                      how.weight_per_siemens(0);
    }
  }
  return responses;
}

std::vector<double> TileArray::output_responses(const Exec& exec, ResponseReads reads) {
  AveragedRead read(grid_.outputs, grid_.inputs);
  for (const TileTime& moment : moments_of(now(), reads)) {
    const std::vector<double> weights = read_weights(exec, moment);
    const std::vector<float> response(weights.begin(), weights.end());
    read.add({response.data(), grid_.outputs, grid_.inputs});
    if (!reads.is_exact) count_response_reads(1);
  }
  return read.magnitudes();
}

}  // namespace mq
