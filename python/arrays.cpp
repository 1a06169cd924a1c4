#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string_view>
#include <type_traits>

#include "meltquench/python/bindings.h"

namespace mq::python {
namespace {

constexpr int kDeepestList = 4;  // of lists that are searched for masked arrays

std::string type_name(py::handle object) {
  return py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>();
}

/// numpy.ma.MaskedArray; null where nobody has loaded numpy.ma, so that there can be none.
py::object masked_array_type() {
  const py::dict modules = py::module_::import("sys").attr("modules");
  return modules.contains("numpy.ma") ? py::object(modules["numpy.ma"].attr("MaskedArray")) : py::object();
}

/// The masked array that `object` is, or that a list holds: numpy forgets the masks of lists of arrays.
py::object find_masked(py::handle object, const py::object& type, int depth) {
  if (py::isinstance(object, type) && py::bool_(object.attr("mask").attr("any")()))
    return py::reinterpret_borrow<py::object>(object);
  const bool is_list = PyList_Check(object.ptr()) || PyTuple_Check(object.ptr());
  if (!is_list || depth == kDeepestList) return {};
  for (const py::handle item : py::reinterpret_borrow<py::sequence>(object)) {
    if (PyFloat_CheckExact(item.ptr()) || PyLong_CheckExact(item.ptr())) continue;
    if (py::object found = find_masked(item, type, depth + 1)) return found;
  }
  return {};
}

[[noreturn]] void throw_no_numbers(py::handle object, const std::string& name) {
  std::string what = type_name(object);
  if (py::isinstance<py::array>(object)) {
    what = "an array of " + py::str(object.attr("dtype")).cast<std::string>();
  } else if (PyList_Check(object.ptr()) || PyTuple_Check(object.ptr())) {
    what = "a " + what + " of something else, or of rows of different lengths";
  }
  throw ConfigError(name + " must be an array of real numbers, not " + what);
}

/// Place of the first element that is inf or nan, or `size`. Needs no GIL.
template <class T>
std::size_t first_not_finite(const T* data, std::size_t size) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits kMagnitude = ~Bits(0) >> 1;
  const auto limit = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  constexpr std::size_t kBlock = 4096;
  for (std::size_t first = 0; first < size; first += kBlock) {
    const std::size_t end = std::min(size, first + kBlock);
    Bits largest = 0;  // bits of magnitudes are ordered as the magnitudes are, with inf and nan on top
    for (std::size_t i = first; i < end; ++i)
      largest = std::max(largest, std::bit_cast<Bits>(data[i]) & kMagnitude);
    if (largest < limit) continue;
    for (std::size_t i = first; i < end; ++i) {
      if (!std::isfinite(data[i])) return i;
    }
  }
  return size;
}

/// Null without memory. A number that is too large becomes inf, of which numpy would warn.
FloatArray as_floats(const py::array& array) {
  const bool may_overflow = array.dtype().kind() == 'f' && array.itemsize() > 4;
  if (!may_overflow) return FloatArray::ensure(array);
  const py::object quiet = py::module_::import("numpy").attr("errstate")(py::arg("over") = "ignore");
  quiet.attr("__enter__")();
  FloatArray floats = FloatArray::ensure(array);
  quiet.attr("__exit__")(py::none(), py::none(), py::none());
  return floats;
}

/// "[3, 7]" of element `i` of an array in C order.
std::string place_text(const py::array& array, std::size_t i) {
  std::string text;
  for (py::ssize_t axis = array.ndim() - 1; axis >= 0; --axis) {
    const auto length = static_cast<std::size_t>(array.shape(axis));
    text = std::to_string(i % length) + (text.empty() ? "" : ", ") + text;
    i /= length;
  }
  return text.empty() ? "" : "[" + text + "]";
}

}  // namespace

std::string shape_text(const py::array& array) {
  std::string text = "[";
  for (py::ssize_t i = 0; i < array.ndim(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(array.shape(i));
  return text + "]";
}

void refuse_masked(py::handle object, const std::string& name) {
  const py::object type = masked_array_type();
  if (!type) return;
  if (const py::object masked = find_masked(object, type, 0)) {
    throw ConfigError(
        name + " is, or holds, a masked array in which " +
        py::str(masked.attr("mask").attr("sum")()).cast<std::string>() + " of " +
        py::str(masked.attr("size")).cast<std::string>() +
        " elements are masked, and there is nothing that could stand for them; fill them, array.filled(0), "
        "or leave them out, array.compressed()");
  }
}

py::array real_array(py::handle object, const std::string& name) {
  refuse_masked(object, name);
  const py::array array = object.is_none() ? py::array() : py::array::ensure(object);
  if (object.is_none() || !array ||
      std::string_view("fiub").find(array.dtype().kind()) == std::string_view::npos) {
    throw_no_numbers(object, name);
  }
  return array;
}

FloatArray float_array(py::handle object, const std::string& name) {
  const py::array array = real_array(object, name);
  const FloatArray floats = as_floats(array);
  if (!floats)
    throw ResourceError("there is no memory for a copy of " + name + shape_text(array) + " as float32");
  const auto size = static_cast<std::size_t>(floats.size());
  const std::size_t bad = [&, data = floats.data()] {
    const py::gil_scoped_release release;
    return first_not_finite(data, size);
  }();
  if (bad < size) {
    const py::object given = array.attr("flat")[py::int_(bad)];
    const bool is_large = py::bool_(py::module_::import("numpy").attr("isfinite")(given));
    throw ConfigError(name + place_text(array, bad) +
                      (is_large ? " = " + py::str(given).cast<std::string>() +
                                      " is too large for float32 (must be within +-3.4e38)"
                                : " is not a finite number"));
  }
  return floats;
}

void check_results(const float* y, std::size_t size) {
  if (first_not_finite(y, size) == size) return;
  throw StateError(
      "the product is too large for float32 (3.4e38): W and x are finite, but what they sum up to is not; "
      "scale W or x down");
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

}  // namespace mq::python
