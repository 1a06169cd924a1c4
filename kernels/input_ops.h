/// What happens to inputs around their DACs: scaling of each sample, and errors of the drivers.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

/// factors[row] = largest |x| of the row, and to = x / factors[row]; a row of zeros keeps the factor 0. With
/// `finds_factors` = false the factors are given. `to` may be x, or null where only the factors are wanted.
struct ScaleRows {
  const float* x = nullptr;  ///< [rows, columns]
  std::size_t rows = 0, columns = 0;
  float* factors = nullptr;  ///< [rows]
  bool finds_factors = true;
  float* to = nullptr;  ///< [rows, columns]
};

/// Finer codes of what the drivers really apply:
///
///     finer = rint(2^shift (c (1 - asymmetry if c < 0) + deviation z))
///
/// z(row, i) is a standard normal, |z| <= 5.77, a function of the place in the data set: draw i / 8 % 4 of
/// the random numbers with index i / 32 * 8 + i % 8 and this row. Noise comes behind the range of the DAC and
/// is never cut (refinement_shift). The codes of a product with `code_limit` = largest_finer_code and a scale
/// 2^-shift as large. `finer` may be `codes`.
struct DisturbInputs {
  const std::int16_t* codes = nullptr;  ///< [batch, code_stride] of quantize_inputs
  std::size_t batch = 0, code_stride = 0;
  float deviation = 0.0f;  ///< [DAC steps]
  float asymmetry = 0.0f;
  std::uint32_t shift = 0;
  RngKey key{};                   ///< Purpose::input_noise
  std::uint64_t first_row = 0;    ///< expects first_row + batch <= 2^32
  std::int16_t* finer = nullptr;  ///< [batch, code_stride]
  std::int16_t* squares =
      nullptr;  ///< likewise: square >> square_shift(largest_finer_code); null without read noise
  std::int32_t largest = 0;  ///< largest_finer_code
};

/// Largest |finer code|: |z| < 6.
inline std::int32_t largest_finer_code(std::int32_t code_limit, float deviation, std::uint32_t shift) {
  return static_cast<std::int32_t>(
      std::ceil((double(code_limit) + 6.0 * double(deviation)) * std::ldexp(1.0, static_cast<int>(shift))));
}

/// The finest shift whose codes stay within `most`, so that they fit 16 bits. Rounding to these codes adds
/// 2^-shift / 12^(1/2) DAC steps of noise; of 8 bits with 1 % of noise the shift is 7, and this is 0.002
/// steps beside 1.27.
inline std::uint32_t refinement_shift(std::int32_t code_limit, float deviation, std::int32_t most = 32767) {
  std::uint32_t shift = 0;
  while (shift < 14 && largest_finer_code(code_limit, deviation, shift + 1) <= most) ++shift;
  return shift;
}

/// Inputs as the terms of a law of currents see them (crossbar/current_expansion.h), one after the other:
///
///     to_codes[b, t, i] = code_table[t][codes[b, i]]
///     to[b, t, i] = full_scale * table[t](x[b, i] / full_scale), cut to +-1 and linear between its points
///
/// Either codes or x are given.
struct ShapeInputs {
  std::size_t batch = 0, columns = 0, terms = 0;
  const std::int16_t* codes = nullptr;       ///< [batch, columns]
  std::int32_t code_limit = 0;               ///< expects |codes| <= code_limit
  const std::int16_t* code_table = nullptr;  ///< [terms][2 code_limit + 1], from -code_limit on
  std::int16_t* to_codes = nullptr;          ///< [batch, terms, columns]
  /// Likewise, of the first term only: square >> square_shift(square_limit); null without read noise.
  std::int16_t* squares = nullptr;
  std::int32_t square_limit = 0;
  const float* x = nullptr;  ///< [batch, columns]
  float full_scale = 1.0f;
  const float* table = nullptr;  ///< [terms][2 half + 1] from -1 to 1
  std::uint32_t half = 0;
  float* to = nullptr;                ///< [batch, terms, columns]
  ConverterCounts* counts = nullptr;  ///< dac_clips grows by the x that were cut
};

}  // namespace mq
