#include <string_view>

#include "meltquench/python/bindings.h"

namespace mq::python {
namespace {

/// "(value, unit)", without self; what is long ends in "...".
std::string parameters_of(const py::object& function) {
  constexpr std::size_t kLongest = 100;
  std::string text = py::str(function.attr("__text_signature__"));
  for (const std::string_view self : {"self, /, ", "self, /", "self, ", "self"}) {
    if (text.compare(1, self.size(), self) != 0) continue;
    text.erase(1, self.size());
    break;
  }
  if (text.size() <= kLongest) return text;
  return text.substr(0, text.rfind(", ", kLongest)) + ", ...)";
}

bool is_described(py::handle function) {
  return PyCallable_Check(function.ptr()) != 0 && !PyType_Check(function.ptr()) &&
         !py::getattr(function, "__text_signature__", py::none()).is_none();
}

template <class... Extra>
void add_last_resort(const py::handle& owner, const std::string& name, const Extra&... extra) {
  const auto refuse = [owner, name](const py::args& args, const py::kwargs& given) -> py::object {
    throw_misuse(owner.attr(name.c_str()), name, args, given);
  };
  // It joins the overloads of the function that stands there already, behind them.
  py::cpp_function(refuse, py::name(name.c_str()), py::sibling(owner.attr(name.c_str())), extra...);
}

}  // namespace

void throw_misuse(const py::object& function, const std::string& name, const py::args& args,
                  const py::kwargs& given) {
  std::string what = "an argument is of a type that it does not take";
  try {
    py::module_::import("inspect").attr("signature")(function).attr("bind")(*args, **given);
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_TypeError)) throw;
    what = py::str(error.value());
  }
  throw py::type_error(name + "(): " + what + "; call it as " + name + parameters_of(function));
}

void bind_misuse(py::module_& module) {
  for (const auto& [key, value] : py::dict(module.attr("__dict__"))) {
    if (is_described(value)) add_last_resort(module, key.cast<std::string>(), py::scope(module));
  }
  const py::object tile = module.attr("Tile");
  for (const auto& [key, value] : py::dict(tile.attr("__dict__"))) {
    const auto name = key.cast<std::string>();
    if (name.starts_with("__")) continue;  // operators say so in Python's own words
    const py::object function = tile.attr(name.c_str());
    if (!is_described(function)) continue;
    if (py::isinstance<py::staticmethod>(value)) {
      add_last_resort(tile, name, py::scope(tile));
    } else {
      add_last_resort(tile, name, py::is_method(tile));
    }
  }
}

}  // namespace mq::python
