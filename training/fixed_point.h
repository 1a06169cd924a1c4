/// Gradients as 64-bit integers: sums over shards, threads and processes are then the same in any order.
///
/// One unit is 2^-40 = 9.1e-13, the same for every parameter and step. The conversion adds 1.5 * 2^52 to a
/// double, which leaves the rounded integer in its low bits (nearest, ties to even) and needs no slow
/// instruction.
#pragma once

#include <cstdint>
#include <span>

namespace mq {

inline constexpr double kGradientUnit = 0x1p-40;
/// Largest magnitude of one addend; 4096 of them fit into a sum.
inline constexpr float kGradientLimit = 1024.0f;
inline constexpr int kMaxShards = 4096;

/// sums[i] += values[i] in units of kGradientUnit. Returns false, and leaves `sums` in no useful state, if
/// some value is no number or its magnitude is kGradientLimit or more. Expects equal sizes.
[[nodiscard]] bool add_fixed_point(std::span<const float> values, std::span<std::int64_t> sums);

/// values[i] = sums[i] * kGradientUnit, rounded once to double and once to float. Expects equal sizes.
void from_fixed_point(std::span<const std::int64_t> sums, std::span<float> values);

}  // namespace mq
