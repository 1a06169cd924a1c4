/// One physical crossbar: cells of both polarities, and the plane that products read.
///
/// A tile is unprogrammed until `program` writes it. Cells keep history; `settle` derives the plane for a
/// moment in time. Products are made by `TileArray`, for all tiles of a layer at once.
#pragma once

#include <cstdint>

#include "meltquench/crossbar/cell_array.h"
#include "meltquench/crossbar/device_fill.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/crossbar/weight_mapping.h"
#include "meltquench/crossbar/write_verify.h"

namespace mq {

/// Which tile of which chip: the address of its random numbers.
struct TileAddress {
  std::uint64_t seed = 0;
  std::uint32_t layer = 0;
  std::uint32_t tile = 0;
  std::uint32_t chip = 0;
};

/// A moment of a tile's clock.
struct TileTime {
  double seconds = 0.0;       ///< since the reference read
  double aged = 0.0;          ///< the same at the reference temperature: what drift has seen
  float inverse_heat = 0.0f;  ///< see Moment
};

/// Word lines [first, first + count) of a tile.
struct WordLines {
  std::size_t first = 0, count = 0;
};

class Tile {
 public:
  Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
       std::size_t inputs);

  std::size_t outputs() const { return outputs_; }
  std::size_t inputs() const { return inputs_; }
  bool is_programmed() const { return writes_ > 0; }

  /// Writes the cells of `lines` as hardware.programming says: w[outputs, inputs] in host memory with row
  /// stride `stride`, |w| <= mapping.w_max. The reference read of these cells is `now`; others keep what they
  /// hold. Returns what it took; one-shot writing only counts cells and pulses.
  WriteVerifyReport program(const Exec& exec, const DifferentialPair& mapping, const float* w,
                            std::size_t stride, WordLines lines, const TileTime& now);

  /// Lets all ages count from `now`: before the clock is set back.
  void move_epoch(const Exec& exec, const TileTime& now);

  /// Read noise with memory goes on from one moment to a later one.
  void pass(const Exec& exec, const TileTime& from, const TileTime& to);

  /// Moves the cells of the plus side by pulses, of a one-sided device those of the minus side as well, and
  /// of N devices the one with number `event` % N; of `op`, trains, batch, first sample, steps and counter
  /// are given. `event` (< 2^24) is the number of this update. Expects a PulsedModel; `settle` before the
  /// next product.
  void update(const Exec& exec, PulseCells op, std::uint32_t event, const TileTime& now);

  /// Derives the plane of a moment; `scratch` holds outputs * inputs floats on the backend and is left with
  /// the differential conductances [S].
  void settle(const Exec& exec, const TileTime& now, float* scratch);

  /// The plane as a term of a product: scale, variances, converters and inputs are still to be set.
  MvmTerm term() const;
  /// Siemens per weight code, and per code of |g| in the variance plane.
  double siemens_per_code() const { return siemens_per_code_; }
  double siemens_per_magnitude() const { return siemens_per_magnitude_; }
  /// Mean |g_plus - g_minus| [S] of the plane: the mean absolute response to the identity matrix.
  double mean_response() const { return mean_response_; }

  /// Conductances of one side at a moment, read noise included, on the host: sums over its devices.
  std::vector<float> conductances(const Exec& exec, Polarity side, const TileTime& now);
  /// What the cells keep.
  const CellArray& cells(Polarity side, int device = 0) const { return arrays_[array_index(side, device)]; }
  /// Devices per polarity.
  int devices() const { return hardware_.programming.devices; }

  void save(H5Writer& file, const std::string& path) const;
  void load(const H5Reader& file, const std::string& path);

 private:
  static std::size_t array_index(Polarity side, int device) {
    return static_cast<std::size_t>(static_cast<int>(side) + 2 * device);
  }
  CellArray& array(Polarity side, int device) { return arrays_[array_index(side, device)]; }
  template <class F>
  void for_each_array(F&& f) const {
    for (int device = 0; device < devices(); ++device) f(Polarity::plus, device), f(Polarity::minus, device);
  }
  /// Of the present programming, and of what no programming changes.
  RngKey key(Purpose purpose, Polarity side, int device) const;
  RngKey lasting_key(Purpose purpose, Polarity side, int device, std::uint32_t event = 0) const;
  void read_side(const Exec& exec, Polarity side, const TileTime& now, float sign, bool adds, float* plane);
  /// Of `op`, key, sign, adds and plane are given.
  void read_device(const Exec& exec, Polarity side, int device, const TileTime& now, SettleCells op);
  /// FindFaults of an array; empty where no faults are configured.
  Buffer<float> faults(const Exec& exec, Polarity side, int device);

  // tile_program.cpp; targets below 0 are not written.
  bool corrects() const;  ///< one device of each cell is written last, after a read of the others
  void write_devices(const Exec& exec, const DeviceFill& fill, const std::vector<float> (&totals)[2],
                     const std::vector<float>& ages, bool last_ones, const TileTime& now,
                     WriteVerifyReport& report);
  void write_device(const Exec& exec, Polarity side, int device, const std::vector<float>& targets,
                    const std::vector<float>& ages, WriteVerifyReport& report,
                    std::vector<double>& line_seconds);
  std::vector<double> read_others(const Exec& exec, Polarity side, const DeviceFill& fill,
                                  const std::vector<float>& total, const TileTime& now);

  Hardware hardware_;
  TileAddress address_;
  std::size_t outputs_, inputs_;
  std::uint32_t writes_ = 0;
  double epoch_ = 0.0;             ///< TileTime::aged from which ages of cells count
  bool has_ages_ = false;          ///< cells were programmed at moments of their own
  std::vector<CellArray> arrays_;  ///< of both polarities and all devices, see array_index
  Buffer<std::int16_t> codes_, magnitudes_;
  Buffer<float> floats_;
  double siemens_per_code_ = 0.0, siemens_per_magnitude_ = 0.0, mean_response_ = 0.0;
};

}  // namespace mq
