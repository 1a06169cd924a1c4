#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "meltquench/core/fields.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/thread_count.h"
#include "meltquench/core/units.h"
#include "meltquench/python/bindings.h"

namespace mq::python {
namespace {

constexpr int kDeepest = 32;  // as in config files; also ends a list that holds itself

[[noreturn]] void throw_no_value(py::handle object, const std::string& path) {
  const auto type = py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>();
  throw ConfigError(path + " is of type " + type + "; use a number, a text, a list or a dict");
}

Value convert(py::handle object, const std::string& path, int depth) {
  if (depth > kDeepest) throw ConfigError(path + " is nested deeper than 32 levels");
  if (object.is_none()) return {};
  if (PyBool_Check(object.ptr())) return object.cast<bool>();
  if (PyLong_Check(object.ptr())) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(object.ptr(), &overflow);
    if (overflow != 0) {
      throw ConfigError(path + " = " + py::str(object).cast<std::string>() + " does not fit into 64 bits");
    }
    return static_cast<std::int64_t>(number);
  }
  if (PyFloat_Check(object.ptr())) return object.cast<double>();
  if (py::isinstance<py::str>(object)) return object.cast<std::string>();
  if (py::isinstance<py::dict>(object)) {
    Value table = Value::table();
    for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(object)) {
      if (!py::isinstance<py::str>(key)) {
        throw ConfigError(path + " has the key " + py::repr(key).cast<std::string>() +
                          "; keys must be texts");
      }
      const auto name = key.cast<std::string>();
      table.set_key(name, convert(value, path + "." + name, depth + 1));
    }
    return table;
  }
  if (py::isinstance<py::list>(object) || py::isinstance<py::tuple>(object)) {
    Value list = Value::array();
    for (const py::handle item : object) {
      list.as_array().push_back(
          convert(item, path + "[" + std::to_string(list.as_array().size()) + "]", depth + 1));
    }
    return list;
  }
  if (py::isinstance(object, py::module_::import("collections.abc").attr("Mapping")))
    return convert(py::dict(py::reinterpret_borrow<py::object>(object)), path, depth + 1);
  refuse_masked(object, path);  // its tolist() makes None of what is masked
  if (py::hasattr(object, "tolist")) return convert(object.attr("tolist")(), path, depth + 1);  // numpy's
  throw_no_value(object, path);
}

/// Sets `key` unless it is None, which keeps the default.
void set_unless_none(Value& table, const char* key, py::handle object, const std::string& path) {
  if (!object.is_none()) table.set_key(key, to_value(object, path));
}

struct RunFields {
  std::uint64_t seed = 0;
  int threads = 1;
  std::string backend = "cpu";

  static constexpr auto describe() {
    return fields(
        field("seed", &RunFields::seed, non_negative, "Fixes every random number."),
        field("threads", &RunFields::threads, between(1, 4096), "CPU threads."),
        field("backend", &RunFields::backend, one_of("cpu", "reference", "cuda"), "What computes."));
  }
};

}  // namespace

Value to_value(py::handle object, const std::string& path) { return convert(object, path, 0); }

py::object from_value(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null:
      return py::none();
    case Value::Kind::boolean:
      return py::bool_(value.as_boolean());
    case Value::Kind::integer:
      return py::int_(value.as_integer());
    case Value::Kind::number:
      return py::float_(value.as_number());
    case Value::Kind::text:
      return py::str(value.as_text());
    case Value::Kind::array: {
      py::list list;
      for (const Value& item : value.as_array()) list.append(from_value(item));
      return list;
    }
    case Value::Kind::table: {
      py::dict dict;
      for (const auto& entry : value.as_table()) dict[py::str(entry.key)] = from_value(entry.value);
      return dict;
    }
  }
  return py::none();
}

std::string path_text(py::handle object) {
  const py::module_ os = py::module_::import("os");
  if (!py::isinstance<py::str>(object) && !py::isinstance<py::bytes>(object) &&
      !py::isinstance(object, os.attr("PathLike"))) {
    throw ConfigError("a path must be a text or an os.PathLike, not " + py::repr(object).cast<std::string>());
  }
  return os.attr("fsdecode")(object).cast<std::string>();
}

std::string text(py::handle object, const std::string& name) {
  if (py::isinstance<py::str>(object)) return object.cast<std::string>();
  throw ConfigError(name + " = " + py::repr(object).cast<std::string>() + " must be a text, not of type " +
                    py::str(py::type::handle_of(object).attr("__name__")).cast<std::string>());
}

bool truth(py::handle object, const std::string& name) {
  const Value value = to_value(object, name);
  if (value.is_boolean()) return value.as_boolean();
  throw ConfigError(name + " = " + py::repr(object).cast<std::string>() + " must be True or False");
}

double seconds(py::handle object, const std::string& name) {
  const Value value = to_value(object, name);
  if (!value.is_text() && !value.is_integer() && !value.is_number()) {
    throw ConfigError(name + " must be a time: " + accepted_text(Unit::second));
  }
  if (!value.is_text()) {
    if (!std::isfinite(value.as_number())) throw ConfigError(name + " is no finite time");
    return value.as_number();
  }
  try {
    return parse_quantity(value.as_text(), Unit::second);
  } catch (const ConfigError& error) {
    throw ConfigError(name + " = " + error.what());
  }
}

std::uint64_t whole_number(py::handle object, const std::string& name, std::uint64_t most) {
  const Value value = to_value(object, name);
  if (!value.is_integer())
    throw ConfigError(name + " must be an integer; found " + std::string(value.kind_name()));
  const std::int64_t number = value.as_integer();
  if (number < 0 || static_cast<std::uint64_t>(number) > most) {
    throw ConfigError(name + " = " + std::to_string(number) + " is out of range (must be in [0, " +
                      std::to_string(most) + "])");
  }
  return static_cast<std::uint64_t>(number);
}

RunKeywords RunKeywords::from(py::handle seed, py::handle threads, py::handle backend) {
  Value table = Value::table();
  set_unless_none(table, "seed", seed, "seed");
  table.set_key("threads", threads.is_none() ? Value(available_threads()) : to_value(threads, "threads"));
  set_unless_none(table, "backend", backend, "backend");
  RunFields fields;
  mq::from_value(fields, table, "");
  const std::string warning = warning_of_threads(fields.threads);
  if (!warning.empty() && PyErr_WarnEx(PyExc_RuntimeWarning, warning.c_str(), 2) != 0)
    throw py::error_already_set();
  return {.seed = fields.seed, .threads = fields.threads, .backend = fields.backend};
}

Exec RunKeywords::exec() const { return {.backend = backend_from_name(backend), .threads = threads}; }

std::string in_keywords(std::string message) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 17> kNames{{
      {"tile.rows", "rows"},
      {"tile.columns", "columns"},
      {"tile.output_noise", "output_noise"},
      {"tile.read_noise", "read_noise"},
      {"dac.bits", "dac_bits"},
      {"dac.range", "dac_range"},
      {"dac: bits", "dac_bits"},
      {"adc.bits", "adc_bits"},
      {"adc.range", "adc_range"},
      {"adc: bits", "adc_bits"},
      {"eval.times", "times"},
      {"eval: times", "times"},
      {"eval.chips", "chips"},
      {"eval.compensation", "compensation"},
      {"data.train_images", "train_images"},
      {"data.test_images", "test_images"},
      {"data.path", "path"},
  }};
  for (const auto& [key, keyword] : kNames) {
    for (std::size_t at = message.find(key); at != std::string::npos; at = message.find(key, at)) {
      message.replace(at, key.size(), keyword);
      at += keyword.size();
    }
  }
  return message;
}

}  // namespace mq::python
