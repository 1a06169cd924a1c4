#include "meltquench/crossbar/adc_ranges.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "meltquench/core/contract.h"

namespace mq {
namespace {

constexpr int kBitsOfMantissa = 7, kShift = 23 - kBitsOfMantissa;

std::uint32_t bin_of(float magnitude) { return std::bit_cast<std::uint32_t>(magnitude) >> kShift; }
float lower_edge(std::uint32_t bin) { return std::bit_cast<float>(bin << kShift); }

/// The integral of (s - rint(s))^2 from 0 to t.
double summed_error(double t) {
  const double nearest = std::nearbyint(t), rest = t - nearest;
  return nearest / 12.0 + rest * rest * rest / 3.0;
}

}  // namespace

void MagnitudeCounts::add(std::span<const float> y, std::int64_t weight) {
  for (const float value : y) {
    const float magnitude = std::abs(value);
    if (!(magnitude <= std::numeric_limits<float>::max())) continue;
    size_ += weight;
    if (magnitude == 0.0f) {
      zeros_ += weight;
      continue;
    }
    const std::uint32_t bin = bin_of(magnitude);
    if (counts_.empty()) first_ = bin;
    if (bin < first_) {
      counts_.insert(counts_.begin(), first_ - bin, 0);
      first_ = bin;
    }
    if (bin - first_ >= counts_.size()) counts_.resize(bin - first_ + 1);
    counts_[bin - first_] += weight;
    maximum_ = std::max(maximum_, magnitude);
  }
}

float MagnitudeCounts::percentile(double percent) const {
  const double wanted = percent / 100.0 * static_cast<double>(size_);
  std::int64_t below = zeros_;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    below += counts_[i];
    if (static_cast<double>(below) >= wanted)
      return std::min(lower_edge(first_ + static_cast<std::uint32_t>(i) + 1), maximum_);
  }
  return maximum_;
}

double MagnitudeCounts::error(double range, int limit) const {
  const double step = range / limit;
  double sum = 0.0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const double low = lower_edge(first_ + static_cast<std::uint32_t>(i)),
                 high = lower_edge(first_ + static_cast<std::uint32_t>(i) + 1), middle = 0.5 * (low + high);
    const double mean =
        middle > range
            ? (middle - range) * (middle - range)
            : step * step * step * (summed_error(high / step) - summed_error(low / step)) / (high - low);
    sum += static_cast<double>(counts_[i]) * mean;
  }
  return sum;
}

float MagnitudeCounts::least_error(int limit) const {
  float best = maximum_;
  double least = error(maximum_, limit);
  // Every fourth bin of the upper 12 octaves: the error is flat where it is least.
  const std::size_t most = std::min<std::size_t>(counts_.size(), 12 << kBitsOfMantissa);
  for (std::size_t back = 1; back < most; back += 4) {
    const float range = lower_edge(first_ + static_cast<std::uint32_t>(counts_.size() - back));
    const double with_range = error(range, limit);
    if (with_range >= least) continue;
    least = with_range;
    best = range;
  }
  return best;
}

OutputMagnitudes::OutputMagnitudes(RangeGroup per, std::size_t tiles, std::size_t slices, std::size_t columns)
    : per_(per), slices_(slices), columns_(columns) {
  std::size_t groups = 1;
  if (per == RangeGroup::slice) groups = slices;
  if (per == RangeGroup::tile) groups = tiles * slices;
  if (per == RangeGroup::column) groups = tiles * slices * columns;
  groups_.resize(groups);
}

std::size_t OutputMagnitudes::group(std::size_t tile, std::size_t slice, std::size_t column) const {
  switch (per_) {
    case RangeGroup::layer:
      return 0;
    case RangeGroup::slice:
      return slice;
    case RangeGroup::tile:
      return tile * slices_ + slice;
    case RangeGroup::column:
      break;
  }
  return (tile * slices_ + slice) * columns_ + column;
}

void OutputMagnitudes::add(std::size_t tile, std::size_t slice, MatrixView<const float> y,
                           std::int64_t weight) {
  MQ_EXPECTS(y.columns <= columns_ && slice < slices_);
  if (per_ != RangeGroup::column) {
    groups_[group(tile, slice, 0)].add({y.data, y.size()}, weight);
    return;
  }
  for (std::size_t row = 0; row < y.rows; ++row) {
    for (std::size_t column = 0; column < y.columns; ++column) {
      groups_[group(tile, slice, column)].add({y.data + row * y.columns + column, 1}, weight);
    }
  }
}

float OutputMagnitudes::range(const AdcParams& adc, std::size_t tile, std::size_t slice,
                              std::size_t column) const {
  MQ_EXPECTS(adc.range_from != RangeMethod::full_scale && adc.bits > 0);
  const MagnitudeCounts& counts = groups_[group(tile, slice, column)];
  float range = counts.maximum();
  if (adc.range_from == RangeMethod::percentile) range = counts.percentile(adc.percentile);
  if (adc.range_from == RangeMethod::least_error) range = counts.least_error(largest_code(adc.bits));
  return range > 0.0f ? range : 1.0f;
}

std::vector<float> full_scales(MatrixView<const float> w, double x_limit) {
  std::vector<float> ranges(w.rows);
  for (std::size_t o = 0; o < w.rows; ++o) {
    double sum = 0.0;
    for (std::size_t j = 0; j < w.columns; ++j) sum += std::abs(double(w.data[o * w.columns + j]));
    const double exact = sum * x_limit;
    ranges[o] = static_cast<float>(exact);
    if (ranges[o] < exact) ranges[o] = std::nextafter(ranges[o], std::numeric_limits<float>::max());
  }
  return ranges;
}

int lossless_bits(std::size_t inputs, int cell_bits, int digit_bits) {
  MQ_EXPECTS(cell_bits > 0 && digit_bits > 0 && cell_bits + digit_bits < 32);
  const std::uint64_t largest =
      inputs * ((std::uint64_t(1) << cell_bits) - 1) * ((std::uint64_t(1) << digit_bits) - 1);
  return static_cast<int>(std::bit_width(largest));  // ceil(log2(1 + n)) of an integer
}

}  // namespace mq
