/// Weight panels as CUDA keeps them: in the order in which lanes hold the fragments of mma.h, so that a warp
/// loads a fragment of 16 outputs x 32 inputs with one 16-byte load per lane, and nothing is rearranged
/// later.
///
/// A 16-bit code is a signed high and an unsigned low byte: code = 256 high + low. Codes are
/// [panels][steps][high, low][32 lanes][16 bytes], magnitudes [panels][steps][32 lanes][16 bytes], floats as
/// `float_panel_index` says. Inputs are padded with zeros to whole steps.
#pragma once

#include <cstddef>

#include "meltquench/kernels/mvm.h"

namespace mq {

inline constexpr std::size_t kStep = 32;            ///< inputs of one step of a product
inline constexpr std::size_t kFragmentBytes = 512;  ///< 16 outputs x 32 inputs

MQ_HD constexpr std::size_t steps_of(std::size_t inputs) { return (inputs + kStep - 1) / kStep; }

/// Place of (output, input) in its fragment: 16 bytes a lane, words of four inputs.
MQ_HD constexpr std::size_t fragment_byte(std::size_t output, std::size_t input) {
  const std::size_t lane = output % 8 * 4 + input % 16 / 4;
  const std::size_t word = output % kPanel / 8 + input % kStep / 16 * 2;
  return lane * 16 + word * 4 + input % 4;
}
/// Byte of (output, input) among the high bytes; its low byte is `kFragmentBytes` further.
MQ_HD constexpr std::size_t code_byte(std::size_t output, std::size_t input, std::size_t inputs) {
  return (output / kPanel * steps_of(inputs) + input / kStep) * 2 * kFragmentBytes +
         fragment_byte(output, input);
}
MQ_HD constexpr std::size_t magnitude_byte(std::size_t output, std::size_t input, std::size_t inputs) {
  return (output / kPanel * steps_of(inputs) + input / kStep) * kFragmentBytes + fragment_byte(output, input);
}

}  // namespace mq
