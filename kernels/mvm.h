/// Matrix-vector products of a layer's tiles: the arguments of pack_plane, quantize_inputs and mvm.
///
/// Panels: the plane of a tile, [outputs, inputs] differential conductances, is stored as panels of 16
/// outputs, in an order of the backend's own. On the CPU integer panels hold pairs of inputs,
/// [outputs/16][inputs/2][16][2] int16, float panels [outputs/16][inputs][16]. Outputs are padded to 16 and
/// inputs to 2 with zeros. kernels/cuda/panels.h has the order that tensor cores read.
///
/// One product, in weight units: a DAC turns x into a code c = rint(x / step_x), limited to +-code_limit; the
/// tile forms s = sum_j w_j c_j exactly in integers; y = s * scale + sqrt(v) z with v = read-noise variance +
/// output-noise variance, exact for noise that is Gaussian and independent per cell and product; an ADC turns
/// y into a code. The tiles that share outputs are summed digitally, in integers: ADC code * multiplier,
/// where the multiplier is the ADC step (times the drift compensation) in units of the layer's `y_lsb`.
/// Doubles carry these integers exactly, up to 2^53. Without a DAC the sum is float, without an ADC the
/// digital sum is one of doubles in ascending order of tiles.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"

namespace mq {

inline constexpr std::size_t kPanel = 16;             ///< outputs per panel
inline constexpr std::int32_t kWeightLimit = 32767;   ///< largest |weight code|
inline constexpr std::int32_t kMagnitudeLimit = 127;  ///< largest code of |g| in the variance plane

MQ_HD constexpr std::size_t padded_outputs(std::size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }
MQ_HD constexpr std::size_t padded_inputs(std::size_t n) { return (n + 1) / 2 * 2; }
/// Elements of a tile's panels, enough for the layout of every backend: CUDA pads inputs to 32.
MQ_HD constexpr std::size_t panel_size(std::size_t outputs, std::size_t inputs) {
  return padded_outputs(outputs) * ((inputs + 31) / 32 * 32);
}
/// Index of (output, input) in integer panels of the CPU and in float panels.
MQ_HD constexpr std::size_t integer_panel_index(std::size_t output, std::size_t input, std::size_t inputs) {
  return (output / kPanel * padded_inputs(inputs) / 2 + input / 2) * kPanel * 2 + output % kPanel * 2 +
         input % 2;
}
MQ_HD constexpr std::size_t float_panel_index(std::size_t output, std::size_t input, std::size_t inputs) {
  return (output / kPanel * padded_inputs(inputs) + input) * kPanel + output % kPanel;
}

/// plane[outputs, inputs] -> those panels that are not null, and the sum of |weight code|.
struct PackPlane {
  const float* plane = nullptr;
  std::size_t outputs = 0, inputs = 0;
  float codes_per_siemens = 0.0f;  ///< kWeightLimit / largest |plane|, or 0 for an empty plane
  float magnitudes_per_siemens = 0.0f;
  std::int16_t* codes = nullptr;       ///< [panel_size]
  std::int16_t* magnitudes = nullptr;  ///< [panel_size] codes of |g|, or null without read noise
  float* floats = nullptr;             ///< [panel_size]
};

/// What converters did, on the backend: kernels add to it, so that no product waits for a device. Integers,
/// so that no order of summation matters.
struct ConverterCounts {
  std::int64_t dac_clips = 0;
  std::int64_t sum_of_codes = 0;  ///< sum |DAC code|
  std::int64_t adc_clips = 0;
};

/// x[batch, inputs] -> codes[batch, code_stride]; inputs are cut into blocks of `block`, each padded to an
/// even size.
struct QuantizeInputs {
  const float* x = nullptr;
  std::size_t batch = 0, inputs = 0;
  std::size_t block = 0;
  float codes_per_unit = 0.0f;
  float code_limit = 0.0f;
  std::int16_t* codes = nullptr;
  std::size_t code_stride = 0;  ///< ceil(inputs / block) * padded_inputs(block)
  ConverterCounts* counts = nullptr;
};

/// What a product reads of one tile.
struct TilePlane {
  const std::int16_t* codes = nullptr;
  const std::int16_t* magnitudes = nullptr;
  const float* floats = nullptr;
  std::uint32_t outputs = 0, inputs = 0;
  std::uint32_t tile = 0;  ///< index in the layer: its random numbers' place
  double scale = 0.0;      ///< weight units per integer (or per S * unit of x); a float but on the reference
  float read_variance = 0.0f;       ///< variance, weight units squared, per unit of sum_j m_j c_j^2
  float output_variance = 0.0f;     ///< variance added to every output
  float adc_codes_per_unit = 0.0f;  ///< 0: no ADC
  float adc_limit = 0.0f;           ///< largest |code|
  double multiplier = 1.0;          ///< see above
};

/// One grouped product of all tiles of a layer: y[batch, outputs] = x W^T.
struct MvmLayer {
  std::size_t batch = 0, outputs = 0, inputs = 0;
  std::size_t tile_outputs = 0, tile_inputs = 0;  ///< largest size of a tile
  const TilePlane* tiles = nullptr;               ///< [grid_outputs][grid_inputs], on the backend
  const std::int16_t* codes = nullptr;            ///< from quantize_inputs, or null without a DAC
  std::size_t code_stride = 0;
  std::int32_t code_limit = 0;
  const float* x = nullptr;  ///< [batch, inputs], without a DAC
  float* y = nullptr;        ///< [batch, outputs]
  double y_lsb = 1.0;
  RngKey key;                   ///< purpose mvm_noise, moment and event set; place = chip
  std::uint64_t first_row = 0;  ///< place of row 0 in the data set (sample x patch)
  ConverterCounts* counts = nullptr;

  std::size_t grid_outputs() const { return (outputs + tile_outputs - 1) / tile_outputs; }
  std::size_t grid_inputs() const { return (inputs + tile_inputs - 1) / tile_inputs; }
};

/// Squared codes in the variance product are shifted right so that they and their sum with 7-bit magnitudes
/// stay exact.
MQ_HD constexpr int square_shift(std::int32_t code_limit) {
  int shift = 0;
  while ((std::int64_t(code_limit) * code_limit >> shift) > 32767) ++shift;
  return shift;
}

}  // namespace mq
