#include "meltquench/training/data_order.h"

#include <numeric>
#include <utility>

#include "meltquench/core/contract.h"
#include "meltquench/core/random.h"

namespace mq {

std::vector<std::uint32_t> data_order(std::uint64_t seed, std::uint32_t epoch, std::size_t size) {
  MQ_EXPECTS(size < (std::uint64_t(1) << 32) && epoch < (1u << 24));
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  const RngKey key = RngKey(seed, Purpose::data_order).at_event(epoch);
  for (std::size_t i = size; i > 1; --i) {
    const auto draw = philox(static_cast<std::uint32_t>(i), key.event, 0u, key.place, key.key);
    // 64 random bits scaled to [0, i): the bias is below 2^-32.
    const std::uint64_t bits = std::uint64_t(draw.w[1]) << 32 | draw.w[0];
    const auto j = static_cast<std::size_t>(static_cast<unsigned __int128>(bits) * i >> 64);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

}  // namespace mq
