/// What happens to the sums of a conversion: noise, ADC. Written once for all backends.
#pragma once

#include "meltquench/core/random.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

/// The key of a term's random numbers.
MQ_HD RngKey key_of(const MvmLayer& op, const MvmTerm& term) {
  RngKey key = op.key;
  key.event |= std::uint32_t(term.slice) << 4;
  key.place = term.tile << 16 | (key.place & 0xffffu);
  return key;
}

/// Two rows of one phase share their random words, so that a product of one phase needs the fewest.
MQ_HD std::uint32_t pair_of_rows(const MvmLayer& op, const MvmTerm& term, std::uint64_t row) {
  return static_cast<std::uint32_t>((row >> 1) * op.phases + term.phase);
}

/// Standard normals of outputs [o, o + lanes) of data-set row `row`; `spare` belongs to outputs [o + 8, ...).
///
/// One Philox block serves a pair of rows and two outputs that are 8 apart: words 0, 1 the even row, 2, 3 the
/// odd one. So a panel of 16 outputs and two rows costs one call of 8 lanes. Expects o % 16 < 8, and lanes
/// that divide 8.
template <class F>
MQ_HD void mvm_normals(const MvmLayer& op, const MvmTerm& term, std::uint32_t o, std::uint64_t row, F& z,
                       F& spare) {
  using U = typename LaneTraits<F>::UInt;
  const RngKey key = key_of(op, term);
  const std::uint32_t index = o / 16 * 8 + o % 8;
  const auto block =
      philox(ascending_from<U>(index), U(key.event), U(pair_of_rows(op, term, row)), U(key.place), key.key);
  const bool odd = (row & 1) != 0;
  box_muller<F>(odd ? block.w[2] : block.w[0], odd ? block.w[3] : block.w[1], z, spare);
}

/// The sum and the variance of a conversion so far.
template <class F>
struct Conversion {
  F y = F(0.0f), variance = F(0.0f);

  /// Adds a term's sum and, with read noise, its sum of squares.
  MQ_HD void add(const MvmTerm& term, F sum) {
    add_sum(term, sum);
    add_variance(term);
  }
  MQ_HD void add(const MvmTerm& term, F sum, F squares) {
    add_sum(term, sum);
    add_variance(term, squares);
  }
  /// The same in two steps.
  MQ_HD void add_sum(const MvmTerm& term, F sum) { y = fma(sum, F(static_cast<float>(term.scale)), y); }
  MQ_HD void add_variance(const MvmTerm& term) { variance = variance + F(term.output_variance); }
  MQ_HD void add_variance(const MvmTerm& term, F squares) {
    variance = fma(squares, F(term.read_variance), variance + F(term.output_variance));
  }
};

MQ_HD bool is_noisy(const MvmTerm& term) { return term.read_variance > 0.0f || term.output_variance > 0.0f; }

/// An output with noise: y + sqrt(variance) z.
template <class F>
MQ_HD F add_noise(F y, F variance, F z) {
  return fma(sqrt(variance), z, y);
}

/// ADC code of y, an integer in +-limit; `clips` counts the codes that were cut off.
template <class F>
MQ_HD F adc_code(F y, float codes_per_unit, float limit, typename LaneTraits<F>::Mask& is_clipped) {
  const F code = rint(y * F(codes_per_unit));
  is_clipped = abs(code) > F(limit);
  return clamp(code, F(-limit), F(limit));
}

}  // namespace mq
