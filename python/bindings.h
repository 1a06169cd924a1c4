/// What the parts of the Python module share. Everything here expects that the caller holds the GIL.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/exec.h"
#include "meltquench/core/matrix_view.h"
#include "meltquench/core/value.h"
#include "meltquench/crossbar/hardware.h"

namespace mq::python {

namespace py = pybind11;

void bind_errors();
void bind_tile(py::module_& module);
void bind_evaluate(py::module_& module);
void bind_describe(py::module_& module);
void bind_dataset(py::module_& module);
void bind_fit(py::module_& module);
/// Behind the overloads of every function and method that has a signature, one that takes anything and says
/// in a sentence how to call it: pybind11 would list C++ types. Comes last.
void bind_misuse(py::module_& module);
/// Throws that sentence, a TypeError: what is missing or too much, and the call as it should be.
[[noreturn]] void throw_misuse(const py::object& function, const std::string& name, const py::args& args,
                               const py::kwargs& given);

/// None, booleans, numbers, texts, lists and dicts, also numpy's. Throws ConfigError that names `path` for
/// anything else.
Value to_value(py::handle object, const std::string& path);
py::object from_value(const Value& value);

/// The text of a str or os.PathLike.
std::string path_text(py::handle object);
/// The text of a str, and True or False of a bool (also numpy's). Throw ConfigError that names the parameter.
std::string text(py::handle object, const std::string& name);
bool truth(py::handle object, const std::string& name);
/// Seconds of "1 day" or of a plain number. Throws ConfigError that names the parameter.
double seconds(py::handle object, const std::string& name);
/// An integer from 0 to `most`. Throws ConfigError that names the parameter.
std::uint64_t whole_number(py::handle object, const std::string& name, std::uint64_t most);

/// C-contiguous and aligned: an array that is so already is taken as it is, another one is converted once.
using FloatArray =
    py::array_t<float, py::array::c_style | py::array::forcecast | py::detail::npy_api::NPY_ARRAY_ALIGNED_>;
/// Every array that enters comes through one of these. Throws ConfigError that names it for masked elements,
/// whose values nobody vouches for (also inside of lists).
void refuse_masked(py::handle object, const std::string& name);
/// Throws likewise, and for what holds no real numbers: texts, complex ones, dates, objects.
py::array real_array(py::handle object, const std::string& name);
/// Throws likewise, and for the first element that float32 cannot hold.
FloatArray float_array(py::handle object, const std::string& name);
/// Two dimensions, rows[0]; throws ShapeError that says which ones `axes` are expected, e.g. "[out, in]".
FloatArray float_matrix(py::handle object, const std::string& name, const std::string& axes);
MatrixView<const float> view(const FloatArray& matrix);
/// Throws StateError if there is inf or nan among `y`, results of finite inputs. Needs no GIL.
void check_results(const float* y, std::size_t size);
/// "[3, 784]"
std::string shape_text(const py::array& array);

/// An array that takes over the memory of a vector.
template <class T>
py::array_t<T> owning_array(std::vector<T> data, const std::vector<py::ssize_t>& shape) {
  auto* kept = new std::vector<T>(std::move(data));
  const py::capsule owner(kept, [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return py::array_t<T>(shape, kept->data(), owner);
}

/// `seed`, `threads` and `backend` as keywords; None for threads: all cores.
struct RunKeywords {
  std::uint64_t seed = 0;
  int threads = 1;
  std::string backend = "cpu";

  static RunKeywords from(py::handle seed, py::handle threads, py::handle backend);
  Exec exec() const;
};

/// Messages name config keys (dac.bits); here they are keywords (dac_bits).
std::string in_keywords(std::string message);
/// Calls `work` with errors put in terms of keywords.
template <class F>
auto with_keywords(F&& work) {
  try {
    return work();
  } catch (const BackendUnavailable&) {
    throw;
  } catch (const Error& error) {
    throw Error(error.kind(), in_keywords(error.what()));
  }
}

}  // namespace mq::python
