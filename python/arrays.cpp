#include <algorithm>
#include <cmath>

#include "meltquench/python/bindings.h"

namespace mq::python {

std::string shape_text(const py::array& array) {
  std::string text = "[";
  for (py::ssize_t i = 0; i < array.ndim(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(array.shape(i));
  return text + "]";
}

FloatArray float_array(py::handle object, const std::string& name) {
  const py::array array = object.is_none() ? py::array() : py::array::ensure(object);
  if (object.is_none() || !array ||
      std::string_view("fiub").find(array.dtype().kind()) == std::string_view::npos) {
    const std::string what = py::isinstance<py::array>(object)
                                 ? "an array of " + py::str(array.dtype()).cast<std::string>()
                                 : py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>();
    throw ConfigError(name + " must be an array of real numbers, not " + what);
  }
  const FloatArray floats = FloatArray::ensure(array);
  if (!floats)
    throw ResourceError("there is no memory for a copy of " + name + shape_text(array) + " as float32");
  return floats;
}

FloatArray float_matrix(py::handle object, const std::string& name, const std::string& axes) {
  FloatArray matrix = float_array(object, name);
  if (matrix.ndim() != 2)
    throw ShapeError(name + " must have the shape " + axes + " but has " + shape_text(matrix));
  return matrix;
}

MatrixView<const float> view(const FloatArray& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.shape(0)),
          static_cast<std::size_t>(matrix.shape(1))};
}

void check_finite(const float* data, std::size_t size, std::size_t columns, const std::string& name) {
  // inf and nan pass through a sum, and a sum of doubles does not overflow: only a block that has one is
  // searched.
  constexpr std::size_t kBlock = 4096;
  for (std::size_t first = 0; first < size; first += kBlock) {
    double sum = 0.0;
    const std::size_t end = std::min(size, first + kBlock);
    for (std::size_t i = first; i < end; ++i) sum += data[i];
    if (std::isfinite(sum)) continue;
    for (std::size_t i = first; i < end; ++i) {
      if (!std::isfinite(data[i])) {
        throw ConfigError(name + "[" + std::to_string(i / columns) + ", " + std::to_string(i % columns) +
                          "] is not a finite number");
      }
    }
  }
}

}  // namespace mq::python
