#include "traffic.h"

#include <algorithm>
#include <bit>

namespace ptx {
namespace {

/// Sorts unless they ascend already, as most do.
std::uint32_t distinct(std::uint64_t* values, std::uint32_t n) {
  if (!std::is_sorted(values, values + n)) std::sort(values, values + n);
  return static_cast<std::uint32_t>(std::unique(values, values + n) - values);
}

/// All 32 lanes, each beside the one before: the usual case, worth no sorting.
bool is_contiguous(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes) {
  if (mask != 0xffffffffu) return false;
  std::uint64_t differs = 0;
  for (std::uint32_t l = 0; l < 32; ++l) differs |= addresses[l] ^ (addresses[0] + std::uint64_t(l) * bytes);
  return differs == 0;
}

}  // namespace

void count_sectors(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes, Counts& counts) {
  if (is_contiguous(addresses, mask, bytes)) {
    counts.sectors += (addresses[31] + bytes - 1) / 32 - addresses[0] / 32 + 1;
    counts.ideal_sectors += bytes;
    return;
  }
  std::uint64_t sectors[32], starts[32];
  std::uint32_t n = 0;
  for (std::uint32_t m = mask; m != 0; m &= m - 1) {
    const std::uint64_t address = addresses[std::countr_zero(m)];
    sectors[n] = address / 32;  // aligned accesses lie inside of one
    starts[n++] = address;
  }
  counts.sectors += distinct(sectors, n);
  counts.ideal_sectors += (distinct(starts, n) * bytes + 31) / 32;
}

void count_wavefronts(const std::uint64_t* addresses, std::uint32_t mask, std::uint32_t bytes, bool is_atomic,
                      Counts& counts) {
  if (bytes >= 4 && !is_atomic && is_contiguous(addresses, mask, bytes)) {
    counts.wavefronts += bytes / 4;
    counts.ideal_wavefronts += bytes / 4;
    return;
  }
  const std::uint32_t lanes = bytes <= 4 ? 32 : 128 / bytes;
  const std::uint32_t words_each = std::max(bytes / 4, 1u);
  for (std::uint32_t first = 0; first < 32; first += lanes) {
    std::uint64_t words[128];
    std::uint32_t n = 0;
    for (std::uint32_t l = first; l < first + lanes; ++l) {
      if ((mask >> l & 1) == 0) continue;
      for (std::uint32_t k = 0; k < words_each; ++k) words[n++] = addresses[l] / 4 + k;
    }
    if (n == 0) continue;
    if (!is_atomic) n = distinct(words, n);
    std::uint32_t per_bank[32] = {}, passes = 0;
    for (std::uint32_t k = 0; k < n; ++k) passes = std::max(passes, ++per_bank[words[k] % 32]);
    counts.wavefronts += passes;
    counts.ideal_wavefronts += 1;
  }
}

}  // namespace ptx
