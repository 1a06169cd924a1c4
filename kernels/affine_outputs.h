/// Digital scale and offset of outputs: what full scales per column, compensation of drift and scaled inputs
/// leave to be done after the last code.
#pragma once

#include <cstddef>

namespace mq {

/// y[b, o] = y[b, o] * row[b] * scale[o] + offset[o], from left to right; a null pointer is left out.
struct AffineOutputs {
  std::size_t batch = 0, outputs = 0;
  float* y = nullptr;             ///< [batch, outputs]
  const float* row = nullptr;     ///< [batch]
  const float* scale = nullptr;   ///< [outputs]
  const float* offset = nullptr;  ///< [outputs]
};

}  // namespace mq
