/// A chip: the tile arrays of all weighted layers of a network, with one clock.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "meltquench/crossbar/tile_array.h"

namespace mq {

/// A weighted layer as a chip sees it.
struct LayerShape {
  std::string name;
  std::size_t outputs = 0, inputs = 0;
};

class Chip {
 public:
  /// Chip number `id` of an experiment: with `seed` it fixes every random draw. Expects id < 65536.
  /// Throws ConfigError for a layer rule that matches no layer.
  Chip(const Exec& exec, const HardwareConfig& hardware, std::vector<LayerShape> layers, std::uint64_t seed,
       std::uint32_t id);

  std::uint32_t id() const { return id_; }
  const std::vector<LayerShape>& layers() const { return layers_; }
  TileArray& array(std::size_t layer) { return arrays_[layer]; }

  /// One per layer, in its order.
  void set_ranges(const std::vector<Ranges>& ranges);
  /// Writes w[layer][out, in] (host memory); the clock stands at 0, the reference read.
  void program(const Exec& exec, const std::vector<MatrixView<const float>>& weights);
  void advance_to(const Exec& exec, double time);
  double time() const { return arrays_.front().time(); }
  void compensate_drift(DriftCompensation how);

  /// Sum over the arrays.
  Counters counters() const;

  /// The whole chip as one file. `load` expects a chip of the same hardware, layers, seed and id, and throws
  /// DataError if the file holds another one; where it is damaged inside, the chip must not be used any more.
  void save(const std::filesystem::path& file) const;
  void load(const Exec& exec, const std::filesystem::path& file);

 private:
  std::string identity() const;

  HardwareConfig hardware_;
  std::vector<LayerShape> layers_;
  std::uint64_t seed_;
  std::uint32_t id_;
  std::vector<TileArray> arrays_;
};

}  // namespace mq
