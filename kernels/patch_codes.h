/// DAC codes of the patches of a convolution: the arguments of quantize_patches.
///
/// The codes and counts are those of gather_patches followed by quantize_inputs. A code depends on its pixel
/// only, so a backend may convert a pixel once and copy the code; each use of a pixel still counts as a
/// conversion.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meltquench/kernels/mvm.h"
#include "meltquench/kernels/training_ops.h"

namespace mq {

struct QuantizePatches {
  Windows windows;  ///< expects (width + 2 padding) * size < 2^16
  /// x: the images [samples, channels, height, width]; batch: windows of all samples; inputs: channels *
  /// size^2. One plane of whole codes: no digits, no split signs.
  QuantizeInputs codes;
  std::int16_t* pixels = nullptr;  ///< [pixel_scratch(windows)]
};

/// Elements for the codes and squares of all pixels with their padding, for reading a little beyond, and for
/// the number of windows over each column, in front.
MQ_HD constexpr std::size_t padded_pixels(const Windows& w) {
  return std::size_t(w.channels) * (w.height + 2 * w.padding) * (w.width + 2 * w.padding);
}
constexpr std::size_t pixel_scratch(const Windows& w) {
  return 2 * std::size_t(w.width) + 2 * w.samples * padded_pixels(w) + 16;
}

}  // namespace mq
