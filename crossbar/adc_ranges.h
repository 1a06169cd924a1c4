/// Ranges of ADCs from what analog outputs do, and how many bits lose nothing.
///
/// Statistics are counts of |y| in bins of 1/128 of an octave, so that no batch and no order of samples
/// matters. From them follow, for each group of outputs that shares a range,
///
///     maximum      the largest |y|
///     percentile   the |y| that a share of all outputs does not exceed
///     least_error  the Y with the least mean squared error of rounding and cutting, of values that are
///     spread
///                  evenly within each bin
///
/// That a range somewhat below the maximum is best is known since J. Max, IRE Trans. Inf. Theory 6, 7 (1960);
/// for arrays: T. P. Xiao et al., IEEE Circuits Syst. Mag. 22(4), 26 (2022), who keep the inner 99.98 %.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meltquench/core/matrix_view.h"
#include "meltquench/crossbar/adc.h"

namespace mq {

/// How often |y| was how large; what is no number does not count.
class MagnitudeCounts {
 public:
  /// Each counts `weight` times.
  void add(std::span<const float> y, std::int64_t weight = 1);

  std::int64_t size() const { return size_; }
  float maximum() const { return maximum_; }
  /// The upper edge of the bin in which `percent` of all are reached, at most the maximum; 0 only where there
  /// is nothing but zeros.
  float percentile(double percent) const;
  /// Sum of the squared errors of a uniform ADC with this range and the largest code `limit`.
  double error(double range, int limit) const;
  /// The range, among steps of 2 %, where this is least.
  float least_error(int limit) const;

 private:
  std::vector<std::int64_t> counts_;  // of bins first_, first_ + 1, ...
  std::uint32_t first_ = 0;
  std::int64_t size_ = 0, zeros_ = 0;
  float maximum_ = 0.0f;
};

/// What the analog outputs of a layer did on calibration data.
class OutputMagnitudes {
 public:
  /// Of `tiles` tiles with `slices` planes of weights each and at most `columns` outputs.
  OutputMagnitudes(RangeGroup per, std::size_t tiles, std::size_t slices, std::size_t columns);

  /// y[batch, outputs] of one conversion in host memory, weight units, before the ADC; each counts `weight`
  /// times.
  void add(std::size_t tile, std::size_t slice, MatrixView<const float> y, std::int64_t weight = 1);

  /// The range of an output. A range of 0 (nothing but zeros seen) becomes 1, so that zeros stay zeros.
  /// Expects a method other than full_scale, which does not come from data.
  float range(const AdcParams& adc, std::size_t tile, std::size_t slice, std::size_t column) const;

 private:
  std::size_t group(std::size_t tile, std::size_t slice, std::size_t column) const;

  RangeGroup per_;
  std::size_t slices_, columns_;
  std::vector<MagnitudeCounts> groups_;
};

/// Largest |y| of each output that weights w[outputs, inputs] and inputs within +-x_limit allow:
/// x_limit * sum_j |w_ij|, rounded up.
std::vector<float> full_scales(MatrixView<const float> w, double x_limit);

/// Bits of a converter of unsigned sums that loses nothing: ceil(log2(1 + N (2^cell_bits - 1)(2^digit_bits -
/// 1))), for N inputs with digits of digit_bits on cells with levels of cell_bits. With sign, as AdcParams
/// counts, it is one more: L = 2^(bits - 1) - 1 is then at least the largest sum. Source: T. P. Xiao et al.,
/// as above ("full precision guarantee").
int lossless_bits(std::size_t inputs, int cell_bits, int digit_bits);

/// The range with which an ADC's step is `smallest_output`, that of one level of a cell at one level of an
/// input: then codes are the integer sums, if the bits suffice.
constexpr double lossless_range(int bits, double smallest_output) {
  return largest_code(bits) * smallest_output;
}

}  // namespace mq
