/// Lines of an array in another order: between the lines that a tile has and those that a matrix has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mq {

/// In place of the number of a line: there is none, and what comes of it is 0.
inline constexpr std::uint32_t kNoLine = 0xffffffffu;

/// to[r, c] = from[row_lines[r], column_lines[c]], for words of 4 bytes that mean what they like: floats of a
/// plane, or pulse trains. `to` is not `from`.
struct GatherLines {
  std::size_t rows = 0, columns = 0;
  const void* from = nullptr;                   ///< rows `from_stride` words apart
  std::size_t from_stride = 0;                  ///< in words
  const std::uint32_t* row_lines = nullptr;     ///< [rows] on the backend, or kNoLine; null: r itself
  const std::uint32_t* column_lines = nullptr;  ///< [columns] likewise
  void* to = nullptr;                           ///< [rows, columns]
};

}  // namespace mq
