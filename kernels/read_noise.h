/// Read noise of products whose variance is not |g| x^2: the variance that each cell has, what each input
/// makes of it, and the noise of the outputs.
///
/// With noise of cells that is Gaussian and independent in every product, the noise of output o is Gaussian
/// with the variance sum_j V_oj f(x_j)^2, V_oj the variance of the two cells of a weight at full input and
/// f(x) = x unless the law depends on the time for which an input is on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"

namespace mq {

/// to[i] = (scale (g[i] - base[i]) + offset)^2, or added to what is there; base 0 where it is null. With g
/// and base one deviate apart this is the variance that a device model states.
struct CellVariances {
  const float* g = nullptr;     ///< [size] conductances [S]
  const float* base = nullptr;  ///< [size], or null
  float scale = 0.0f;
  float offset = 0.0f;  ///< [S]
  /// [size] or null: conductances before wires and what wires leave of them; deviations shrink alike.
  const float *before = nullptr, *after = nullptr;
  bool adds = false;
  float* to = nullptr;  ///< [size] [S^2]
  std::size_t size = 0;
};

/// to[i] = table[|codes[i]|], for i < size: what inputs count in a variance. Expects |codes| < entries.
struct MapCodes {
  const std::int16_t* codes = nullptr;
  const std::int16_t* table = nullptr;  ///< [entries]
  std::size_t entries = 0;
  std::int16_t* to = nullptr;
  std::size_t size = 0;
};

/// y[b, o] += sqrt(variance[b, o]) z(b, o), both [batch, outputs]: z is draw 0 of index o and row first_row +
/// b.
struct AddReadNoise {
  std::size_t batch = 0, outputs = 0;
  float* y = nullptr;
  const float* variance = nullptr;
  std::uint64_t first_row = 0;  ///< expects first_row + batch <= 2^32
  RngKey key{};
};

}  // namespace mq
