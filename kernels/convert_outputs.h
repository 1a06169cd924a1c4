/// The general path from analog outputs to digital sums: output stages and ADCs with errors of their own.
///
/// kernels/mvm.h has the fast path of a uniform ADC without errors fused into the product. Here the product
/// leaves the analog outputs of one conversion, and these operations follow: convert_outputs for each
/// conversion (tile x slice x phase), then finish_outputs once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"
#include "meltquench/kernels/adc_law.h"
#include "meltquench/kernels/mvm.h"

namespace mq {

/// Draws what distinguishes the converters of a tile. Converters are independent, and each is a function of
/// the key and its own index only.
struct FabricateConverters {
  AdcLaw adc;
  ConverterSpread spread;
  std::size_t outputs = 0;
  std::size_t stride = 0;   ///< at least `outputs`
  float* planes = nullptr;  ///< [converter_fields(adc)][stride]
  RngKey key{};             ///< Purpose::converters; array = slice, place = tile and chip
};

/// y[batch, outputs] of one conversion -> totals += code * multiplier.
///
///     v = y * codes_per_unit * line_factor             [LSB]
///     v -> output stage -> ADC (adc_codes.h) -> code
///
/// Codes times multipliers that are integers are integers, which doubles carry exactly up to 2^53: then no
/// order of conversions matters. An ideal ADC takes codes_per_unit = 1 and adds v * multiplier.
struct ConvertOutputs {
  std::size_t batch = 0, outputs = 0;
  const float* y = nullptr;  ///< [batch, y_stride] analog outputs, weight units
  std::size_t y_stride = 0;
  float codes_per_unit = 1.0f;             ///< L / Y, of all outputs, unless there is
  const float* codes_per_units = nullptr;  ///< [outputs] one for each
  const float* line_factors = nullptr;     ///< [outputs] what series resistance leaves of an output; null: 1
  OutputLaw output;
  AdcLaw adc;
  const float* converters = nullptr;  ///< of fabricate_converters; null: without errors
  std::size_t converter_stride = 0;
  double multiplier = 1.0;              ///< as in MvmTerm, of all outputs
  const double* multipliers = nullptr;  ///< [outputs] what it is times for each; null: 1
  bool adds = true;                     ///< false: totals = code * multiplier
  double* totals = nullptr;             ///< [batch, totals_stride]
  std::size_t totals_stride = 0;
  RngKey key{};                 ///< Purpose::converter_noise, of this conversion; for noise and rounding
  std::uint64_t first_row = 0;  ///< place of row 0 in the data set; expects first_row + batch <= 2^32
  /// [batch] adds how many outputs of a sample were cut; null: nobody asks.
  std::uint32_t* clipped = nullptr;
  /// Only samples with rounds[row] == round are converted: bound management repeats some. Null: all.
  const std::uint32_t* rounds = nullptr;
  std::uint32_t round = 0;
  ConverterCounts* counts = nullptr;  ///< adc_clips grows by all that was cut
  std::int64_t* histogram = nullptr;  ///< [2 L + 1] conversions per code, from -L on; null: not counted
};

/// y = float((totals + shared) * y_lsb * row_factor): totals[batch, outputs] of all conversions in weight
/// units, and what the outputs of a block have in common.
struct FinishOutputs {
  std::size_t batch = 0, outputs = 0;
  const double* totals = nullptr;  ///< [batch, outputs]
  const double* shared = nullptr;  ///< [batch, blocks], or null
  std::size_t block = 0;           ///< outputs of a block, where something is shared
  double y_lsb = 1.0;
  const float* row_factors = nullptr;  ///< [batch] of input scaling; null: 1
  float* y = nullptr;                  ///< [batch, outputs]
};

}  // namespace mq
