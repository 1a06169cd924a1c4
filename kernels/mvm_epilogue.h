/// What happens to a tile's sum after the product: noise, ADC, digital weight. Written once for all backends.
#pragma once

#include "meltquench/core/random.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

/// Standard normals of outputs [o, o + lanes) of data-set row `row`; `spare` belongs to outputs [o + 8, ...).
///
/// One Philox block serves a pair of rows and two outputs that are 8 apart: words 0, 1 the even row, 2, 3 the
/// odd one. So a panel of 16 outputs and two rows costs one call of 8 lanes. Expects o % 16 < 8, and lanes
/// that divide 8.
template <class F>
MQ_HD void mvm_normals(const RngKey& key, std::uint32_t o, std::uint64_t row, F& z, F& spare) {
  using U = typename LaneTraits<F>::UInt;
  const std::uint32_t index = o / 16 * 8 + o % 8;
  const std::uint64_t pair = row >> 1;
  const auto block =
      philox(ascending_from<U>(index), U(key.event), U(std::uint32_t(pair)), U(key.place), key.key);
  const bool odd = (row & 1) != 0;
  box_muller<F>(odd ? block.w[2] : block.w[0], odd ? block.w[3] : block.w[1], z, spare);
}

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
