/// One physical crossbar: cells of both polarities, and the plane that products read.
///
/// A tile is unprogrammed until `program` writes it. Cells keep history; `settle` derives the plane for a
/// moment in time. Products are made by `TileArray`, for all tiles of a layer at once.
#pragma once

#include <cstdint>

#include "meltquench/crossbar/cell_array.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/crossbar/weight_mapping.h"

namespace mq {

/// Which tile of which chip: the address of its random numbers.
struct TileAddress {
  std::uint64_t seed = 0;
  std::uint32_t layer = 0;
  std::uint32_t tile = 0;
  std::uint32_t chip = 0;
};

class Tile {
 public:
  Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
       std::size_t inputs);

  std::size_t outputs() const { return outputs_; }
  std::size_t inputs() const { return inputs_; }
  bool is_programmed() const { return writes_ > 0; }

  /// Writes every cell once: w[outputs, inputs] in host memory with row stride `stride`, |w| <=
  /// mapping.w_max. Returns the number of pulses.
  std::int64_t program(const Exec& exec, const DifferentialPair& mapping, const float* w, std::size_t stride);

  /// Moves the cells of the plus side by pulses; of `op`, trains, batch, first sample, steps and counter are
  /// given. `event` (< 2^24) is the number of this update. Expects a PulsedModel; `settle` before the next
  /// product.
  void update(const Exec& exec, PulseCells op, std::uint32_t event);

  /// Derives the plane at `time` [s] after the reference read; `scratch` holds outputs * inputs floats on the
  /// backend and is left with the differential conductances [S].
  void settle(const Exec& exec, double time, float* scratch);

  /// The plane as a term of a product: scale, variances, converters and inputs are still to be set.
  MvmTerm term() const;
  /// Siemens per weight code, and per code of |g| in the variance plane.
  double siemens_per_code() const { return siemens_per_code_; }
  double siemens_per_magnitude() const { return siemens_per_magnitude_; }
  /// Mean |g_plus - g_minus| [S] of the plane: the mean absolute response to the identity matrix.
  double mean_response() const { return mean_response_; }

  /// Conductances of one side at `time`, read noise included, on the host.
  std::vector<float> conductances(const Exec& exec, Polarity side, double time);
  /// What the cells keep.
  const CellArray& cells(Polarity side) const { return side == Polarity::plus ? plus_ : minus_; }

  void save(H5Writer& file, const std::string& path) const;
  void load(const H5Reader& file, const std::string& path);

 private:
  RngKey key(Purpose purpose, Polarity side) const;
  RngKey fabrication_key(Polarity side) const;
  void read_side(const Exec& exec, Polarity side, double time, float sign, bool adds, float* plane);

  Hardware hardware_;
  TileAddress address_;
  std::size_t outputs_, inputs_;
  std::uint32_t writes_ = 0;
  CellArray plus_, minus_;
  Buffer<std::int16_t> codes_, magnitudes_;
  Buffer<float> floats_;
  double siemens_per_code_ = 0.0, siemens_per_magnitude_ = 0.0, mean_response_ = 0.0;
};

}  // namespace mq
