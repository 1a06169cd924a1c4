/// Shapes as messages write them.
#pragma once

#include <cstddef>
#include <string>

#include "meltquench/core/buffer.h"

namespace mq {

/// "[128, 256]".
inline std::string shape_text(std::size_t rows, std::size_t columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

inline std::string shape_text(MatrixView<const float> m) { return shape_text(m.rows, m.columns); }

}  // namespace mq
