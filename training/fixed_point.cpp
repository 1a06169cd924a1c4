#include "meltquench/training/fixed_point.h"

#include <bit>
#include <cstddef>

#include "meltquench/core/contract.h"

namespace mq {

bool add_fixed_point(std::span<const float> values, std::span<std::int64_t> sums) {
  MQ_EXPECTS(values.size() == sums.size());
  constexpr double kMagic = 0x1.8p52;
  constexpr auto kMagicBits = std::bit_cast<std::int64_t>(kMagic);
  constexpr auto kLimitBits = std::bit_cast<std::int32_t>(kGradientLimit);
  const float* from = values.data();
  std::int64_t* to = sums.data();
  std::int32_t beyond = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    // Bits of magnitudes are ordered as the magnitudes are, with infinity and NaN above all numbers.
    beyond |= (std::bit_cast<std::int32_t>(from[i]) & 0x7fffffff) >= kLimitBits ? 1 : 0;
    const double shifted = static_cast<double>(from[i]) * (1.0 / kGradientUnit) + kMagic;
    to[i] += std::bit_cast<std::int64_t>(shifted) - kMagicBits;
  }
  return beyond == 0;
}

void from_fixed_point(std::span<const std::int64_t> sums, std::span<float> values) {
  MQ_EXPECTS(values.size() == sums.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(static_cast<double>(sums[i]) * kGradientUnit);
  }
}

}  // namespace mq
