/// Matrix-vector products of a layer's tiles: the arguments of pack_plane, quantize_inputs, mvm and
/// mvm_transposed.
///
/// Panels: the plane of a tile, [outputs, inputs] differential conductances, is stored as panels of 16
/// outputs, in an order of the backend's own. On the CPU integer panels hold pairs of inputs,
/// [outputs/16][inputs/2][16][2] int16, float panels [outputs/16][inputs][16]. Outputs are padded to 16 and
/// inputs to 4 with zeros. kernels/cuda/panels.h has the order that tensor cores read. The transposed product
/// reads the same panels.
///
/// A product is a sum of terms: one plane of weights times one plane of inputs. Without slices and phases a
/// tile is one term. Bit slices are several planes of weights of one tile; read phases and serial inputs are
/// several planes of inputs (quantize_inputs). Weight units: a DAC turns x into a code
/// c = rint(x / step_x), limited to +-code_limit; a term forms s = sum_j w_j c_j exactly in integers and adds
/// s * scale to y; its noise has the variance of read noise, sum_j m_j c_j^2, plus that of the output, exact
/// for noise that is Gaussian and independent per cell and product. At the end of a conversion
/// y += sqrt(v) z with the variance v of its terms, an ADC turns y into a code, and the code times the term's
/// multiplier is added digitally. A conversion has one term, or several of which all but the last are held
/// (analog accumulation).
///
/// Digital sums are of integers: the multiplier is the ADC step (times drift compensation and the power of
/// two of slice and digit) in units of the layer's `y_lsb`. Doubles carry these integers exactly, up to 2^53.
/// Without a DAC the sum is float, without an ADC the digital sum is one of doubles in the order of terms.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/core/random.h"

namespace mq {

inline constexpr std::size_t kPanel = 16;             ///< outputs per panel
inline constexpr std::int32_t kWeightLimit = 32767;   ///< largest |weight code|
inline constexpr std::int32_t kMagnitudeLimit = 127;  ///< largest code of |g| in the variance plane

MQ_HD constexpr std::size_t padded_outputs(std::size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }
MQ_HD constexpr std::size_t padded_inputs(std::size_t n) { return (n + 3) / 4 * 4; }
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
  std::int64_t sum_of_codes = 0;  ///< sum |DAC code|, or of |digit| over all planes of inputs
  std::int64_t adc_clips = 0;
};

/// x[batch, inputs] -> codes[batch, code_stride]. A row of codes is a row of planes; a plane is cut into
/// blocks of `block` inputs, each padded to a multiple of 4.
///
/// Serial inputs: with `digit_bits` = n > 0 plane d holds the digit sign(c) (|c| / 2^(n d) mod 2^n) of the
/// code c. Read phases of drivers with one polarity: with `splits_sign` each of these planes becomes two, the
/// positive part and after it the magnitude of the negative part.
struct QuantizeInputs {
  const float* x = nullptr;
  std::size_t batch = 0, inputs = 0;
  std::size_t block = 0;
  float codes_per_unit = 0.0f;
  float code_limit = 0.0f;  ///< less than 2^15
  std::int16_t* codes = nullptr;
  std::size_t code_stride = 0;  ///< planes() * plane_stride()
  ConverterCounts* counts = nullptr;
  std::int16_t* squares =
      nullptr;  ///< as `codes`: square >> square_shift(largest_code()); null without read noise
  std::uint32_t digit_bits = 0;  ///< 0: one plane of whole codes
  std::uint32_t digits = 1;      ///< expects code_limit < 2^(digits * digit_bits) where there are digits
  bool splits_sign = false;

  MQ_HD std::size_t planes() const { return splits_sign ? 2 * digits : digits; }
  MQ_HD std::size_t plane_stride() const { return (inputs + block - 1) / block * padded_inputs(block); }
  /// Largest |code| in a plane: the `code_limit` of the product.
  MQ_HD std::int32_t largest_code() const {
    return digit_bits > 0 ? (std::int32_t(1) << digit_bits) - 1 : static_cast<std::int32_t>(code_limit);
  }
};

/// One plane of weights times one plane of inputs.
struct MvmTerm {
  const std::int16_t* codes = nullptr;
  const std::int16_t* magnitudes = nullptr;
  const float* floats = nullptr;
  std::uint32_t outputs = 0, inputs = 0;  ///< of the plane, whichever way it is read
  std::uint32_t first_input = 0;          ///< place of this term's inputs in a row of codes or of x
  std::uint32_t tile = 0;                 ///< index in the layer: its random numbers' place
  std::uint16_t slice = 0;                ///< plane of weights: the array of its random numbers; < 16
  std::uint16_t phase = 0;                ///< plane of inputs: part of its random numbers' row; < phases
  bool is_held = false;                   ///< the next term adds to the same conversion
  double scale = 0.0;  ///< weight units per integer (or per S * unit of x); a float but on the reference
  float read_variance = 0.0f;       ///< variance, weight units squared, per unit of sum_j m_j c_j^2
  float output_variance = 0.0f;     ///< variance added to every output
  float adc_codes_per_unit = 0.0f;  ///< 0: no ADC. This and what follows: of the last term of a conversion
  float adc_limit = 0.0f;           ///< largest |code|
  double multiplier = 1.0;          ///< see above
};

/// One grouped product of all tiles of a layer: y[batch, outputs] = x W^T, or x W where mvm_transposed reads
/// the planes of W the other way: then `outputs` counts the columns of W and a block those of a tile.
///
/// In one conversion all terms have the same place in y.
struct MvmLayer {
  std::size_t batch = 0, outputs = 0;
  std::size_t block = 0;  ///< outputs of a tile; the last block may have fewer
  std::size_t terms_per_block = 0;
  const MvmTerm* terms =
      nullptr;  ///< [blocks][terms_per_block], on the backend; the last of a block is not held
  const std::int16_t* codes = nullptr;    ///< from quantize_inputs, or null without a DAC
  const std::int16_t* squares = nullptr;  ///< likewise; needed where a term has read noise
  std::size_t code_stride = 0;
  std::int32_t code_limit = 0;
  const float* x = nullptr;  ///< [batch, x_stride], without a DAC
  std::size_t x_stride = 0;
  float* y = nullptr;  ///< [batch, outputs]
  double y_lsb = 1.0;
  RngKey key;                   ///< purpose, moment and event set, array 0; place = chip
  std::uint64_t first_row = 0;  ///< place of row 0 in the data set (sample x patch)
  std::uint32_t phases = 1;     ///< expects (first_row + batch) * phases <= 2^33
  ConverterCounts* counts = nullptr;

  MQ_HD std::size_t blocks() const { return (outputs + block - 1) / block; }
};

/// Which way a product reads the planes: W[outputs, inputs] from inputs to outputs, or back.
enum class Direction { forward, transposed };

/// Outputs and inputs of a term's product.
MQ_HD std::uint32_t outputs_of(const MvmTerm& term, Direction direction) {
  return direction == Direction::forward ? term.outputs : term.inputs;
}
MQ_HD std::uint32_t inputs_of(const MvmTerm& term, Direction direction) {
  return direction == Direction::forward ? term.inputs : term.outputs;
}
/// Index, in the panels of a term, of the weight between an input and an output of its product.
MQ_HD std::size_t integer_index(const MvmTerm& term, Direction direction, std::uint32_t output,
                                std::uint32_t input) {
  return direction == Direction::forward ? integer_panel_index(output, input, term.inputs)
                                         : integer_panel_index(input, output, term.inputs);
}
MQ_HD std::size_t float_index(const MvmTerm& term, Direction direction, std::uint32_t output,
                              std::uint32_t input) {
  return direction == Direction::forward ? float_panel_index(output, input, term.inputs)
                                         : float_panel_index(input, output, term.inputs);
}

/// Squared codes in the variance product are shifted right so that they and their sum with 7-bit magnitudes
/// stay exact.
MQ_HD constexpr int square_shift(std::int32_t code_limit) {
  int shift = 0;
  while ((std::int64_t(code_limit) * code_limit >> shift) > 32767) ++shift;
  return shift;
}

}  // namespace mq
