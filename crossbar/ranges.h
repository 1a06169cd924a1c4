/// How a matrix is cut into tiles, and the ranges of its converters from calibration data.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/adc_ranges.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/crossbar/input_phases.h"
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
  /// With `adc.range_per = "column"` [the same][outputs of the largest tile]; `adc` is then the largest of
  /// each. Empty: one range for all outputs of a conversion.
  std::vector<float> columns{};
};

/// Finds ranges by looking: the largest |x|, and of the partial sums of each tile and plane of the ideal
/// matrix what `adc.range_from` and `adc.range_per` say. Inputs are scaled as `dac.scaling` says before.
///
/// Read phases that are converted apart share the range of their plane, and what they give depends on the
/// range of the DAC. Where that is found as well, all data are to be shown twice, with `look_again` between.
/// The error that `range_from = "least-error"` makes least is that of their sum: outputs of a phase count by
/// the square of what its codes count.
class RangeFinder {
 public:
  /// Of `hardware` the mapping, the cells' range and the converters count.
  explicit RangeFinder(const TileGrid& grid, const Hardware& hardware = {});

  /// How often all data are to be shown: 1 or 2.
  int looks() const { return looks_; }
  /// Ends a look. What is shown after the last one does not count.
  void look_again() { ++look_; }

  /// x[batch, inputs] and w[outputs, inputs] in host memory.
  void look_at(const Exec& exec, MatrixView<const float> x, MatrixView<const float> w);
  /// What was seen. A range of 0 (nothing but zeros seen) becomes 1, so that zeros stay zeros.
  Ranges ranges() const;
  /// Throws ConfigError if a range is to be found but inputs were nothing but zeros. `whose`: "layer fc1", in
  /// front of the message.
  void check_seen(const std::string& whose) const;

 private:
  /// x / what `dac.scaling` divides it by; empty where it divides by nothing.
  std::vector<float> scaled(const Exec& exec, MatrixView<const float> x);

  /// The inputs as phase `phase` drives them, in units of x.
  std::vector<float> driven(MatrixView<const float> x, std::uint32_t phase) const;
  /// Outputs y[batch, outputs] of a tile and plane.
  void take(const Exec& exec, std::size_t tile, std::size_t plane, MatrixView<const float> y,
            std::int64_t weight);
  /// The largest |x| that the DAC converts.
  double full_input() const;

  TileGrid grid_;
  Hardware hardware_;
  InputPhases phases_;
  std::vector<PlaneRole> planes_;
  std::size_t columns_ = 1;                     ///< outputs of a tile that have ranges of their own
  std::vector<float> seen_;                     ///< [tiles][planes][columns_] largest |partial sum|
  std::vector<float> limit_;                    ///< likewise, largest sum of |weight| of an output
  std::optional<OutputMagnitudes> magnitudes_;  ///< for a percentile or the least error
  RunningAverage average_input_;
  float dac_ = 0.0f;
  int looks_ = 1, look_ = 1;
};

}  // namespace mq
