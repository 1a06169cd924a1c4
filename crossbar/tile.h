/// One physical crossbar: cells of both polarities, and the planes that products read.
///
/// A tile is unprogrammed until `program` writes it. Cells keep history; `settle` derives the planes for a
/// moment in time. Products are made by `TileArray`, for all tiles of a layer at once.
///
/// Cells sit in arrays, which may have more lines than the tile has outputs and inputs (`tile.spare_rows`,
/// `tile.spare_columns`); planes, weights and pulse trains are in the order of the matrix.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "meltquench/crossbar/cell_array.h"
#include "meltquench/crossbar/current_expansion.h"
#include "meltquench/crossbar/device_fill.h"
#include "meltquench/crossbar/hardware.h"
#include "meltquench/crossbar/line_map.h"
#include "meltquench/crossbar/plane.h"
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
  std::uint64_t read = 0;     ///< reads at one moment have read noise of their own, but for one with memory
  bool is_exact = false;      ///< without read noise
};

/// Word lines [first, first + count) of a tile.
struct WordLines {
  std::size_t first = 0, count = 0;
};

/// An array whose inputs open transistors, as gated_products reads it.
struct GatedArray {
  Polarity side = Polarity::plus;
  int slice = 0;
  double weight = 1.0;  ///< of its device
  std::size_t outputs = 0;
  float largest = 0.0f;  ///< no conductance is larger [S]
  Buffer<float> cells;   ///< see PackGated
};

class Tile {
 public:
  /// `law`: of hardware.current; null where that is absent.
  Tile(const Exec& exec, const Hardware& hardware, TileAddress address, std::size_t outputs,
       std::size_t inputs, std::shared_ptr<const CurrentExpansion> law = nullptr);

  std::size_t outputs() const { return outputs_; }
  std::size_t inputs() const { return inputs_; }
  bool is_programmed() const { return writes_ > 0; }
  /// Where outputs and inputs sit in the arrays: chosen by every `program` of all word lines, and by the
  /// first.
  const LineMap& lines() const { return lines_; }

  /// Whether the minus side is one bit line, of reference cells: the last one of the arrays of the plus side.
  bool has_reference_column() const {
    return hardware_.mapping.kind == MappingKind::offset &&
           hardware_.mapping.zero == ZeroRemoval::reference_column;
  }

  /// Writes the cells of `lines` as hardware.programming says: w[outputs, inputs] in host memory with row
  /// stride `stride`, |w| <= mapping.w_max; `full_scales` says what a weight unit counts for each output, if
  /// not 1, for choosing lines. The reference read of these cells is `now`; others keep what they hold, but
  /// cells whose lines are no longer used are reset to g_min. Returns what it took; one-shot writing only
  /// counts cells and pulses.
  WriteVerifyReport program(const Exec& exec, const WeightMapping& mapping, const float* w,
                            std::size_t stride, WordLines lines, const TileTime& now,
                            std::span<const float> full_scales = {});

  /// Lets all ages count from `now`: before the clock is set back.
  void move_epoch(const Exec& exec, const TileTime& now);

  /// Read noise with memory goes on from one moment to a later one.
  void pass(const Exec& exec, const TileTime& from, const TileTime& to);

  /// Moves the cells of the plus side by pulses, of a one-sided device those of the minus side as well, and
  /// of N devices the one with number `event` % N; of `op`, trains, batch, first sample, steps and counter
  /// are given. `event` (< 2^24) is the number of this update. Expects a PulsedModel; `settle` before the
  /// next product.
  void update(const Exec& exec, PulseCells op, std::uint32_t event, const TileTime& now);

  /// Derives the planes of a moment.
  void settle(const Exec& exec, const TileTime& now);
  const std::vector<Plane>& planes() const { return planes_; }
  /// A plane as a term of a product: scale, variances, converters and inputs are still to be set.
  MvmTerm term(std::size_t plane) const;
  /// Whether products are currents of exact circuits of nonlinear cells.
  bool solves_circuits() const;
  /// Adds the currents [A] of the cells of a plane to currents[outputs] of `direction` for volts[inputs], on
  /// the host, in the circuit of nonlinear cells and wires, times `factor`. Returns whether all circuits
  /// have a solution. After `settle`, for current.wires = "newton"; threads may share a tile.
  bool add_currents(Direction direction, PlaneRole role, std::span<const double> volts, double factor,
                    std::span<double> currents) const;
  /// All arrays of the moment; none where a matrix stands for them. The planes then are what cells conduct
  /// with their gate alone open.
  const std::vector<GatedArray>& gated_arrays() const { return gated_arrays_; }

  /// What plane `plane` is at a moment, on the host: [its outputs, inputs] [S], or 1 where zero is computed.
  std::vector<float> read_plane(const Exec& exec, std::size_t plane, const TileTime& now);
  /// Conductances [S] of the cells of one side and slice at a moment, read noise included, on the host: sums
  /// over its devices. [outputs, inputs]; of the minus side of an offset array one row, or none.
  std::vector<float> conductances(const Exec& exec, Polarity side, const TileTime& now, int slice = 0);
  /// The same of all cells of the arrays: [bit lines, word lines] of `lines()`, a reference column in one
  /// row.
  std::vector<float> array_conductances(const Exec& exec, Polarity side, const TileTime& now, int slice = 0);
  /// What the cells keep, in the order of the arrays.
  const CellArray& cells(Polarity side, int device = 0, int slice = 0) const {
    return arrays_[array_index({side, device, slice})];
  }
  /// Devices per polarity.
  int devices() const { return hardware_.programming.devices; }

  void save(H5Writer& file, const std::string& path) const;
  void load(const H5Reader& file, const std::string& path);

 private:
  /// One array of cells.
  struct Place {
    Polarity side = Polarity::plus;
    int device = 0, slice = 0;
  };
  std::size_t array_index(Place p) const {
    return static_cast<std::size_t>(static_cast<int>(p.side) + 2 * (p.device + devices() * p.slice));
  }
  CellArray& array(Place place) { return arrays_[array_index(place)]; }
  /// Bit lines of the array of one side.
  std::size_t rows(Polarity side) const { return cell_rows(hardware_.mapping, side, lines_.bit_lines); }
  std::size_t array_size(Polarity side) const { return rows(side) * lines_.word_lines; }
  /// Reads the cells of one device: an array on the backend.
  using ReadCells = std::function<Buffer<float>(Place)>;
  /// Calls f(place) for the arrays that there are.
  template <class F>
  void for_each_array(F&& f) const {
    for (int slice = 0; slice < hardware_.mapping.slices; ++slice) {
      for (int device = 0; device < devices(); ++device) {
        for (const Polarity side : {Polarity::plus, Polarity::minus}) {
          if (rows(side) > 0) f(Place{side, device, slice});
        }
      }
    }
  }
  /// Of the present programming, and of what no programming changes.
  RngKey key(Purpose purpose, Place place) const;
  RngKey lasting_key(Purpose purpose, Place place, std::uint32_t event = 0) const;
  /// Adds sign times the devices of one side and slice to `array`, or sets it: cells, or with `transforms`
  /// what products see of them.
  void read_side(const Exec& exec, Polarity side, int slice, const TileTime& now, float sign, bool adds,
                 bool transforms, Buffer<float>& array);
  /// What wires leave of the cells of one device, which lie in an array of their own.
  Buffer<float> through_wires(const Exec& exec, Place place, const ReadCells& read) const;
  void add_plane(const Exec& exec, Buffer<float> part, float sign, bool adds, Buffer<float>& array) const;
  void read_arrays(const Exec& exec, PlaneRole role, const TileTime& now, Buffer<float>& array);
  /// The cells of an array as products of this moment see them, on the backend [S].
  Buffer<float> read_cells(const Exec& exec, Place place, const TileTime& now);
  /// The same; of `op`, sign, adds and plane are given.
  void read_cells(const Exec& exec, Place place, const TileTime& now, SettleCells op);
  // tile_nonlinear.cpp
  /// Whether products see other conductances than those of the cells.
  bool transforms_cells() const { return law_ != nullptr || !hardware_.wires.is_ideal(); }
  /// The conductances [S] that products see of the cells of one device: at v_read, behind wires.
  Buffer<float> transformed(const Exec& exec, Place place, const ReadCells& read) const;
  /// Cells at v_read.
  Buffer<float> at_read(const Exec& exec, Buffer<float> cells) const;
  void settle_terms(const Exec& exec, Plane& plane, const TileTime& now);
  void keep_slopes(const Exec& exec, const TileTime& now);
  // tile_gated.cpp
  void settle_gates(const Exec& exec, const TileTime& now);
  Buffer<float> read_alone(const Exec& exec, Place place, const Buffer<float>& cells) const;
  /// A plane of a moment, on the backend.
  void read_plane(const Exec& exec, PlaneRole role, const TileTime& now, Buffer<float>& conductances);
  /// From the order of the arrays to that of the matrix.
  void gather(const Exec& exec, PlaneRole role, const Buffer<float>& array, Buffer<float>& plane) const;
  /// Of `op`, key, sign, adds and plane are given.
  void read_device(const Exec& exec, Place place, const TileTime& now, SettleCells op);
  /// Codes of `conductances`, and the mean response.
  void pack(const Exec& exec, const float* conductances, Plane& plane);
  /// Variance [S^2] of the read noise of a product, at full input, as the law says.
  Buffer<float> variances(const Exec& exec, PlaneRole role, const TileTime& now);
  /// Their codes; `per_value` is the variance [S^2] per unit of |values|.
  void pack_variances(const Exec& exec, const float* values, double per_value, Plane& plane);
  /// FindFaults of an array; empty where no faults are configured.
  Buffer<float> faults(const Exec& exec, Place place);

  // tile_program.cpp; targets below 0 are not written.
  void choose_lines(const Exec& exec, const WeightMapping& mapping, const DeviceFill& fill, const float* w,
                    std::size_t stride, std::span<const float> full_scales);
  void set_lines(LineMap lines);
  bool corrects() const;  ///< one device of each cell is written last, after a read of the others
  /// Targets [S] of both sides of one slice, in the order of the arrays.
  struct SliceTargets {
    int slice = 0;
    std::vector<float> side[2];
  };
  void write_devices(const Exec& exec, const DeviceFill& fill, const SliceTargets& totals,
                     const std::vector<float>& ages, bool last_ones, const TileTime& now,
                     WriteVerifyReport& report);
  void write_device(const Exec& exec, Place place, const std::vector<float>& targets,
                    const std::vector<float>& ages, WriteVerifyReport& report,
                    std::vector<double>& line_seconds);
  std::vector<double> read_others(const Exec& exec, Polarity side, int slice, const DeviceFill& fill,
                                  const std::vector<float>& total, const TileTime& now);

  Hardware hardware_;
  TileAddress address_;
  std::size_t outputs_, inputs_;
  std::shared_ptr<const CurrentExpansion> law_;
  std::uint32_t writes_ = 0;
  double epoch_ = 0.0;     ///< TileTime::aged from which ages of cells count
  bool has_ages_ = false;  ///< cells were programmed at moments of their own
  LineMap lines_;
  /// The same on the backend, and the other way round: only where `hardware_.tile.has_line_map()`.
  Buffer<std::uint32_t> bit_lines_, word_lines_, outputs_of_bit_lines_, inputs_of_word_lines_;
  std::vector<CellArray> arrays_;  ///< of all polarities, devices and slices, see array_index
  std::vector<Plane> planes_;
  std::vector<std::vector<float>> slopes_;  ///< of all arrays [S], see Tile::add_currents
  std::vector<GatedArray> gated_arrays_;
};

}  // namespace mq
