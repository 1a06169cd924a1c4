#include "meltquench/core/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq {
namespace {

std::string shown_number(const Value& value, double number, Unit unit) {
  if (value.is_text()) return value.as_text();
  return std::isfinite(number) ? format_quantity(number, unit) : format_number(number);
}

/// "; did you mean 25 uS?" where somebody forgot a prefix.
std::string hint_for(double number, const Rule& rule) {
  if (!(number > rule.range.high)) return {};
  if (rule.unit == Unit::one) {
    return rule.range.high <= 1 && rule.range.contains(number / 100)
               ? fmt::format("; did you mean {} %?", format_number(number))
               : "";
  }
  for (double divisor : {1e3, 1e6, 1e9, 1e12}) {
    // Dividing by a power of ten rounds once, so that the text of the result stays short.
    if (rule.range.contains(number / divisor)) {
      return fmt::format("; did you mean {}?", format_quantity(number / divisor, rule.unit));
    }
  }
  return {};
}

[[noreturn]] void throw_type_error(std::string_view path, const std::string& expected, const Value& found,
                                   const std::string& hint = "") {
  throw_config_error(fmt::format("{} must be {}; found {}{}", path, expected, found.kind_name(), hint),
                     found.source());
}

bool starts_like_a_call(std::string_view text) {
  return text.starts_with("lin(") || text.starts_with("log(") || text.starts_with("range(");
}

/// Where several values stand for a key that takes one: how they become a sweep.
std::string sweep_hint(std::string_view path, const Value& found) {
  std::string list;
  if (found.is_text() &&
      (found.as_text().find(',') != std::string::npos || starts_like_a_call(found.as_text()))) {
    list = found.as_text();
  } else if (found.is_array() && found.as_array().size() > 1) {
    for (const Value& value : found.as_array()) list += (list.empty() ? "" : ",") + to_toml_value(value);
  }
  if (list.empty()) return {};
  return fmt::format("; one value is due here, and several are a sweep: meltquench sweep CONFIG '{}={}'",
                     path, list);
}

/// A float that was widened to a double, 0.0010000000475, stands for the short number it was written as,
/// 0.001.
bool contains_as_float(const Range& range, double number) {
  const float narrow = static_cast<float>(number);
  return std::isfinite(narrow) && double{narrow} == number && range.contains(shortest_double(narrow));
}

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer result{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return result;
}

/// Whether a text is all digits, maybe behind a minus.
bool is_whole_number(const Value& value) {
  if (!value.is_text()) return false;
  const std::string_view digits = std::string_view(value.as_text()).substr(value.as_text().starts_with('-'));
  return !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string integer_range(const Range& range) { return format_range(range, Unit::one); }

}  // namespace

std::string format_range(const Range& range, Unit unit) {
  const bool has_low = std::isfinite(range.low);
  const bool has_high = std::isfinite(range.high);
  if (has_low && has_high) {
    return fmt::format("in {}{}, {}]", range.excludes_low ? '(' : '[', format_quantity(range.low, unit),
                       format_quantity(range.high, unit));
  }
  if (has_low) return (range.excludes_low ? "greater than " : "at least ") + format_quantity(range.low, unit);
  if (has_high) return "at most " + format_quantity(range.high, unit);
  return {};
}

std::string format_kind(const FieldInfo& info) {
  if (!info.choices.empty()) {
    return (info.is_list ? "list of " : "one of ") + join_names(info.choices);
  }
  std::string kind;
  switch (info.kind) {
    case FieldKind::number:
      kind = std::string(info.unit == Unit::one ? "number" : quantity_name(info.unit));
      break;
    case FieldKind::integer:
      kind = "integer";
      break;
    case FieldKind::boolean:
      kind = "true or false";
      break;
    case FieldKind::choice:
      kind = "name";
      break;
    case FieldKind::text:
      kind = "text";
      break;
    case FieldKind::curve:
      kind = "curve";
      break;
    case FieldKind::table:
      kind = "table";
      break;
  }
  if (info.is_list) kind = fmt::format("list, each {}", kind);
  return info.is_optional ? kind + ", or \"unset\"" : kind;
}

namespace detail {

double read_number(const Value& value, const Rule& rule, std::string_view path) {
  double number = 0;
  if (value.is_number() || value.is_integer()) {
    number = value.as_number();
  } else if (value.is_text()) {
    try {
      number = parse_quantity(value.as_text(), rule.unit);
    } catch (const ConfigError& error) {
      throw_config_error(fmt::format("{} = {}{}", path, error.what(), sweep_hint(path, value)),
                         value.source());
    }
  } else {
    throw_type_error(path, fmt::format("a {}: {}", quantity_name(rule.unit), accepted_text(rule.unit)), value,
                     sweep_hint(path, value));
  }
  if (!std::isfinite(number)) {
    throw_config_error(fmt::format("{} = {} is not a finite number", path, format_number(number)),
                       value.source());
  }
  if (!rule.range.contains(number) && !contains_as_float(rule.range, number)) {
    throw_config_error(
        fmt::format("{} = {} is out of range (must be {}){}", path, shown_number(value, number, rule.unit),
                    format_range(rule.range, rule.unit), hint_for(number, rule)),
        value.source());
  }
  return number;
}

float read_float(const Value& value, const Rule& rule, std::string_view path) {
  const double number = read_number(value, rule, path);
  const float narrow = static_cast<float>(number);
  if (!std::isfinite(narrow) || (narrow == 0) != (number == 0)) {
    throw_config_error(
        fmt::format("{} = {} is too {} for single precision (must be 0 or in [1e-45, 3.4e+38] {})", path,
                    shown_number(value, number, rule.unit), std::isfinite(narrow) ? "small" : "large",
                    symbol(rule.unit)),
        value.source());
  }
  return narrow;
}

std::int64_t read_integer(const Value& value, const Rule& rule, std::int64_t low, std::int64_t high,
                          std::string_view path) {
  if (value.is_number()) {
    const double number = value.as_number();
    const bool is_whole = number == std::floor(number) && std::abs(number) < 1e15;
    const std::string found =
        is_whole ? fmt::format("{:.1f}; write {:.0f}", number, number) : format_number(number);
    throw_config_error(fmt::format("{} must be an integer; found {}", path, found), value.source());
  }
  std::optional<std::int64_t> integer;
  if (value.is_integer()) integer = value.as_integer();
  if (value.is_text()) integer = parse_integer<std::int64_t>(value.as_text());
  const auto throw_out_of_range = [&](const std::string& found) {
    const std::string range = integer_range(rule.range);
    throw_config_error(fmt::format("{} = {} is out of range (must be {})", path, found,
                                   range.empty() ? fmt::format("in [{}, {}]", low, high) : range),
                       value.source());
  };
  if (!integer && is_whole_number(value)) throw_out_of_range(value.as_text());  // of more digits than fit
  if (!integer) throw_type_error(path, "an integer", value, sweep_hint(path, value));
  if (*integer < low || *integer > high || !rule.range.contains(static_cast<double>(*integer))) {
    throw_out_of_range(std::to_string(*integer));
  }
  return *integer;
}

std::uint64_t read_unsigned(const Value& value, const Rule& rule, std::string_view path) {
  // TOML integers end at 2^63 - 1; larger ones are written as text.
  if (value.is_text()) {
    const std::optional<std::uint64_t> integer = parse_integer<std::uint64_t>(value.as_text());
    if (integer && rule.range.contains(static_cast<double>(*integer))) return *integer;
  }
  Rule non_negative_rule = rule;
  non_negative_rule.range.low = std::max(0.0, rule.range.low);
  return static_cast<std::uint64_t>(
      read_integer(value, non_negative_rule, 0, std::numeric_limits<std::int64_t>::max(), path));
}

bool read_boolean(const Value& value, std::string_view path) {
  if (!value.is_boolean()) throw_type_error(path, "true or false", value, sweep_hint(path, value));
  return value.as_boolean();
}

std::string read_text(const Value& value, const Rule& rule, std::string_view path) {
  if (!value.is_text()) throw_type_error(path, "text", value);
  if (rule.choices.size > 0) {
    read_choice(value, std::span(rule.choices.texts).first(rule.choices.size), path);
  }
  if (rule.check != nullptr) {
    const std::string problem = rule.check(value.as_text());
    if (!problem.empty()) {
      throw_config_error(fmt::format("{} = \"{}\" {}", path, value.as_text(), problem), value.source());
    }
  }
  return value.as_text();
}

std::size_t read_choice(const Value& value, std::span<const std::string_view> names, std::string_view path) {
  const std::vector<std::string> known(names.begin(), names.end());
  if (!value.is_text()) throw_type_error(path, "one of " + join_names(known), value, sweep_hint(path, value));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == value.as_text()) return i;
  }
  const std::string near = nearest(value.as_text(), known), hint = sweep_hint(path, value);
  throw_config_error(
      fmt::format("{} = \"{}\" is unknown (must be one of {}){}", path, value.as_text(), join_names(known),
                  !hint.empty() || near.empty() ? hint : "; did you mean " + near + "?"),
      value.source());
}

PiecewiseTable read_curve(const Value& value, const Rule& rule, std::string_view path) {
  if (!value.is_table()) throw_type_error(path, "a curve, { x = [...], y = [...] }", value);
  const std::string known[] = {"x", "y"};
  check_keys(value, known, path);
  if (value.find("x") == nullptr || value.find("y") == nullptr) {
    throw_config_error(fmt::format("{} must have both x and y", path), value.source());
  }
  const Value::Array& x = read_array(*value.find("x"), join_path(path, "x"));
  const Value::Array& y = read_array(*value.find("y"), join_path(path, "y"));
  if (x.size() != y.size() || x.empty() || x.size() > PiecewiseTable::kMaxPoints) {
    throw_config_error(fmt::format("{} has {} values of x and {} of y (must be as many of both, 1 to {})",
                                   path, x.size(), y.size(), PiecewiseTable::kMaxPoints),
                       value.source());
  }
  PiecewiseTable curve;
  curve.size = static_cast<int>(x.size());
  for (int i = 0; i < curve.size; ++i) {
    const std::string x_path = join_index(join_path(path, "x"), i);
    curve.x[i] = read_float(x[i], {.unit = rule.unit}, x_path);
    curve.y[i] = read_float(y[i], {.unit = rule.y_unit}, join_index(join_path(path, "y"), i));
    if (i > 0 && !(curve.x[i] > curve.x[i - 1])) {
      throw_config_error(fmt::format("{} = {} is not greater than the value before it (x must increase)",
                                     x_path, format_quantity(curve.x[i], rule.unit)),
                         x[i].source());
    }
  }
  return curve;
}

const Value::Array& read_array(const Value& value, std::string_view path) {
  if (!value.is_array()) throw_type_error(path, "a list, [...]", value);
  return value.as_array();
}

void check_length(const Value& value, std::size_t expected, std::string_view path) {
  if (value.as_array().size() != expected) {
    throw_config_error(
        fmt::format("{} has {} elements (must have {})", path, value.as_array().size(), expected),
        value.source());
  }
}

bool is_unset(const Value& value) {
  return value.is_null() || (value.is_text() && value.as_text() == "unset");
}

Value write_number(double value, const Rule& rule, Quantities quantities) {
  const bool is_plain = rule.unit == Unit::one || quantities == Quantities::in_si || !std::isfinite(value);
  return is_plain ? Value(value) : Value(format_quantity(value, rule.unit));
}

Value write_number(float value, const Rule& rule, Quantities quantities) {
  const bool is_plain = rule.unit == Unit::one || quantities == Quantities::in_si || !std::isfinite(value);
  return is_plain ? Value(shortest_double(value)) : Value(format_quantity(value, rule.unit));
}

Value write_unsigned(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return Value(std::to_string(value));
  }
  return Value(static_cast<std::int64_t>(value));
}

Value write_curve(const PiecewiseTable& curve, const Rule& rule, Quantities quantities) {
  Value::Array x, y;
  for (int i = 0; i < curve.size; ++i) {
    x.push_back(write_number(curve.x[i], {.unit = rule.unit}, quantities));
    y.push_back(write_number(curve.y[i], {.unit = rule.y_unit}, quantities));
  }
  Value table = Value::table();
  table.set_key("x", Value(std::move(x)));
  table.set_key("y", Value(std::move(y)));
  return table;
}

void check_keys(const Value& table, std::span<const std::string> known, std::string_view path) {
  if (!table.is_table()) throw_type_error(path.empty() ? "the config" : path, "a table", table);
  for (const Value::Entry& entry : table.as_table()) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    const std::string near = nearest(entry.key, known);
    const std::string hint = near.empty() ? "; known are " + join_names(known)
                                          : fmt::format("; did you mean {}?", join_path(path, near));
    const Source& source = entry.key_source.line > 0 ? entry.key_source : entry.value.source();
    throw_config_error(fmt::format("{} is unknown{}", join_path(path, entry.key), hint), source);
  }
}

void throw_problem(const std::string& problem, const Value& table, std::string_view path) {
  throw_config_error(path.empty() ? problem : fmt::format("{}: {}", path, problem), table.source());
}

std::string join_path(std::string_view path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

std::string join_index(std::string_view path, std::size_t index) {
  return fmt::format("{}[{}]", path, index);
}

std::string default_text(const Value& value) { return to_toml_value(value); }

void describe_rule(const Rule& rule, FieldInfo& info) {
  info.unit = rule.unit;
  info.y_unit = rule.y_unit;
  info.range_text = format_range(rule.range, rule.unit);
  info.choices.assign(rule.choices.texts.begin(), rule.choices.texts.begin() + rule.choices.size);
}

}  // namespace detail
}  // namespace mq
