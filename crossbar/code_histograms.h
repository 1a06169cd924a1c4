/// How often ADCs give each code, and how often they cut: what shows whether a range fits.
///
/// Every conversion has a histogram of its own: tile x plane of weights x read phase. Counts are integers, so
/// the backend, the number of threads and the size of a batch change nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meltquench/crossbar/plane.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

/// The codes of one conversion. Which outputs of the matrix these are: [first_output, first_output +
/// outputs()), or all of the tile together where one conversion serves them all (a reference column).
struct CodeHistogram {
  std::size_t tile = 0;   ///< row-major in the grid
  std::size_t plane = 0;  ///< index in Tile::planes
  PlaneRole role;
  std::uint32_t phase = 0;  ///< of the inputs; 0 where phases are added before the ADC
  std::size_t first_output = 0, outputs = 0;
  /// |y| of the largest code [weight units]; of outputs with ranges of their own, `ranges` [outputs], the
  /// largest.
  double range = 0.0;
  std::vector<float> ranges = {};
  std::vector<std::int64_t> counts = {};  ///< [2 L + 1] conversions per code, from -L on
  std::int64_t clipped = 0;               ///< conversions beyond the range

  /// The code that counts[0] belongs to, negated: L.
  std::int64_t limit() const { return static_cast<std::int64_t>(counts.size() / 2); }
  std::int64_t conversions() const;
  /// Share of conversions beyond the range; 0 without any.
  double clipped_share() const;
  double mean_code() const;
  /// Codes that occur; a range that is too large leaves most of them unused.
  std::size_t codes_used() const;
};

/// y[batch, out] = x[batch, in] W^T as TileArray::mvm gives it, to the bit, with the codes of all its
/// conversions in the order tile, plane, phase; zeros that are computed are left out. It is a product like
/// others: counters count it. Throws ConfigError where outputs are not converted (adc.bits = 0), else as
/// `mvm`.
std::vector<CodeHistogram> code_histograms(TileArray& array, const Exec& exec, MatrixView<const float> x,
                                           MatrixView<float> y, MvmPlace place = {});

/// Counts the codes of every product of an array while it lives: of a network that runs, say. Products take
/// longer, one conversion after the other. One counter per array at a time.
class CodeCounter {
 public:
  /// Throws ConfigError where outputs are not converted, StateError for an array that is being counted.
  CodeCounter(TileArray& array, const Exec& exec);
  ~CodeCounter();
  CodeCounter(const CodeCounter&) = delete;
  CodeCounter& operator=(const CodeCounter&) = delete;

  /// So far. Throws StateError before the array is programmed.
  std::vector<CodeHistogram> histograms() const;

 private:
  TileArray& array_;
};

}  // namespace mq
