/// What one request of a warp costs the memory system.
#pragma once

#include <cstdint>

#include "report.h"

namespace ptx {

/// Global memory: distinct sectors of 32 bytes, against as many as the distinct bytes fill.
void count_sectors(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes, Counts& counts);
/// Shared memory: passes over 32 banks of 4 bytes. 8 bytes go by half warps, 16 bytes by quarters; one pass
/// each is ideal. Lanes that read the same word share a pass; atomics on it do not.
void count_wavefronts(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes, bool is_atomic,
                      Counts& counts);

}  // namespace ptx
