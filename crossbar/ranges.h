/// How a matrix is cut into tiles, and the ranges of its converters from calibration data.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/adc_ranges.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/crossbar/plane.h"

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
  std::vector<float> adc;  ///< largest |y|, weight units: [tiles][planes][read phases with a conversion]
};

/// Finds ranges by looking: the largest |x|, and of the partial sums of each tile and plane of the ideal
/// matrix what `adc.range_from` and `adc.range_per` say. Inputs are scaled as `dac.scaling` says before. With
/// read phases that are converted apart it is what the plane can give at most instead of a maximum.
class RangeFinder {
 public:
  /// Of `hardware` the mapping, the cells' range and the converters count. Throws ConfigError where
  /// `adc.range_from` needs the outputs of read phases that are converted apart.
  explicit RangeFinder(const TileGrid& grid, const Hardware& hardware = {});

  /// x[batch, inputs] and w[outputs, inputs] in host memory.
  void look_at(const Exec& exec, MatrixView<const float> x, MatrixView<const float> w);
  /// What was seen. A range of 0 (nothing but zeros seen) becomes 1, so that zeros stay zeros.
  Ranges ranges() const;

 private:
  /// x / what `dac.scaling` divides it by; empty where it divides by nothing.
  std::vector<float> scaled(const Exec& exec, MatrixView<const float> x);

  TileGrid grid_;
  Hardware hardware_;
  std::vector<PlaneRole> planes_;
  std::vector<float> seen_;                     ///< [tiles][planes] largest |partial sum|
  std::vector<float> limit_;                    ///< likewise, largest sum of |weight| of an output
  std::optional<OutputMagnitudes> magnitudes_;  ///< for a percentile or the least error
  RunningAverage average_input_;
  float dac_ = 0.0f;
};

}  // namespace mq
