/// The order in which an epoch visits the training samples: a function of seed and epoch alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mq {

/// A permutation of 0 .. size-1 (Fisher-Yates; R. Durstenfeld, CACM 7, 420 (1964)). Expects size < 2^32,
/// epoch < 2^24.
std::vector<std::uint32_t> data_order(std::uint64_t seed, std::uint32_t epoch, std::size_t size);

}  // namespace mq
