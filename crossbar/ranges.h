/// How a matrix is cut into tiles, and the ranges of its converters from calibration data.
#pragma once

#include <cstddef>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"

namespace mq {

/// W[outputs, inputs] in tiles of at most tile_outputs x tile_inputs; tile (r, c) has index r * columns() +
/// c.
struct TileGrid {
  std::size_t outputs = 0, inputs = 0;
  std::size_t tile_outputs = 1, tile_inputs = 1;

  std::size_t rows() const { return (outputs + tile_outputs - 1) / tile_outputs; }
  std::size_t columns() const { return (inputs + tile_inputs - 1) / tile_inputs; }
  std::size_t size() const { return rows() * columns(); }
  std::size_t outputs_of(std::size_t r) const {
    return r + 1 < rows() ? tile_outputs : outputs - r * tile_outputs;
  }
  std::size_t inputs_of(std::size_t c) const {
    return c + 1 < columns() ? tile_inputs : inputs - c * tile_inputs;
  }
};

/// Full scale of the converters of a layer.
struct Ranges {
  float dac = 0.0f;        ///< largest |x|
  std::vector<float> adc;  ///< largest |y| of each tile, weight units
};

/// Finds ranges by looking: the largest |x|, and the largest |partial sum| of each tile of the ideal matrix.
class RangeFinder {
 public:
  explicit RangeFinder(const TileGrid& grid)
      : grid_(grid), ranges_{0.0f, std::vector<float>(grid.size(), 0.0f)} {}

  /// x[batch, inputs] and w[outputs, inputs] in host memory.
  void look_at(const Exec& exec, MatrixView<const float> x, MatrixView<const float> w);
  /// What was seen. A range of 0 (nothing but zeros seen) becomes 1, so that zeros stay zeros.
  Ranges ranges() const;

 private:
  TileGrid grid_;
  Ranges ranges_;
};

}  // namespace mq
