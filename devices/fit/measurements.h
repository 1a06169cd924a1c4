/// Measurements of real (or synthetic) devices, as the estimators take them: plain columns in SI units, one
/// entry per row of a table. Every column of one table has the same length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mq {

/// Conductance over time, and programming histograms (one read per cell).
struct CellReads {
  std::vector<std::int64_t> cell;  ///< number of the cell; a number may return in another table
  std::vector<double> target;      ///< [S], the same in all rows of a cell
  std::vector<double> age;         ///< [s] since the last pulse of this very cell
  std::vector<double> g;           ///< [S]

  std::size_t size() const { return cell.size(); }
};

/// Conductance over pulses. Pulse 0 is the state before the first pulse of a sequence.
struct PulseReads {
  std::vector<std::int64_t> cell;
  std::vector<std::int64_t> sequence;  ///< n-th sequence of this cell, each from a fresh start
  std::vector<std::int64_t> pulse;
  std::vector<double> g;                ///< [S] after the pulse
  std::vector<std::int64_t> direction;  ///< of the pulse that led here: 1 up, -1 down

  std::size_t size() const { return cell.size(); }
};

/// One-sided spectral densities of the conductance of cells that are held and read again and again.
struct NoiseSpectra {
  std::vector<double> g;          ///< [S] mean conductance of the trace
  std::vector<double> frequency;  ///< [Hz]
  std::vector<double> density;    ///< [S^2/Hz]

  std::size_t size() const { return g.size(); }
};

enum class TableKind { conductance_over_time, programming, conductance_over_pulses, noise_spectra };
/// "conductance over time", ...
std::string table_name(TableKind kind);

/// All that was measured of one device.
struct Measurements {
  CellReads reads{};       ///< conductance over time
  CellReads programmed{};  ///< programming histograms; `age` is the time of the verifying read, 0 if unknown
  PulseReads pulses{};
  NoiseSpectra spectra{};
  std::vector<std::string> files{};  ///< names, without folders

  /// Appends the tables of `other`; its cells count on from the largest number here.
  void append(const Measurements& other);
};

/// The reads of each cell side by side, in order of age.
struct ReadsByCell {
  std::vector<std::size_t> first;  ///< [cells + 1]: where each cell begins
  std::vector<std::int64_t> cell;  ///< [cells]: numbers
  std::vector<double> target;      ///< [cells]
  std::vector<double> age, g;      ///< [reads]

  std::size_t cells() const { return target.size(); }
  std::span<const double> ages(std::size_t cell) const { return part(age, cell); }
  std::span<const double> values(std::size_t cell) const { return part(g, cell); }

 private:
  std::span<const double> part(const std::vector<double>& column, std::size_t cell) const {
    return std::span(column).subspan(first[cell], first[cell + 1] - first[cell]);
  }
};
/// Throws DataError if the rows of a cell name more than one target.
ReadsByCell by_cell(const CellReads& reads);

}  // namespace mq
