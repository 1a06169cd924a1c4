/// Borrowed matrices: row-major [rows, columns], all that a kernel takes.
#pragma once

#include <cstddef>
#include <type_traits>

#include "meltquench/core/contract.h"

namespace mq {

template <class T>
struct MatrixView {
  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;

  MatrixView() = default;
  MatrixView(T* p, std::size_t r, std::size_t c) : data(p), rows(r), columns(c) {}
  template <class U>
  requires std::is_same_v<const U, T> MatrixView(MatrixView<U> other)
      : data(other.data), rows(other.rows), columns(other.columns) {}

  std::size_t size() const { return rows * columns; }
  T* row(std::size_t r) const {
    MQ_EXPECTS(r < rows || (r == rows && columns == 0));
    return data + r * columns;
  }
  T& operator()(std::size_t r, std::size_t c) const {
    MQ_EXPECTS(r < rows && c < columns);
    return data[r * columns + c];
  }
  /// Rows [first, first + count).
  MatrixView slice_rows(std::size_t first, std::size_t count) const {
    MQ_EXPECTS(first + count <= rows);
    return {data + first * columns, count, columns};
  }
};

}  // namespace mq
