#include "meltquench/core/overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "meltquench/core/config.h"
#include "meltquench/core/digits.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr std::string_view kSourceName = "--set";
constexpr int kMaxDepth = 32;

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

void move_source(Value& value, const std::shared_ptr<const SourceText>& text, int columns) {
  Source source = value.source();
  source.text = text;
  source.column += columns;
  value.set_source(source);
  if (value.is_array()) {
    for (Value& element : value.as_array()) move_source(element, text, columns);
  } else if (value.is_table()) {
    for (Value::Entry& entry : value.as_table()) {
      entry.key_source.text = text;
      entry.key_source.column += columns;
      move_source(entry.value, text, columns);
    }
  }
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// What needs no parser, for sweeps of many values: numbers, and numbers with a unit, which are text.
std::optional<Value> simple_value(std::string_view text) {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  const std::size_t first = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  if (i == first || i - first > 18 || (text[first] == '0' && i - first > 1)) return std::nullopt;
  if (i == text.size()) {
    std::int64_t integer = 0;
    std::from_chars(text.data(), text.data() + i, integer);
    return Value(integer);
  }
  if (text[i] == '.') {
    const std::size_t point = i++;
    while (i < text.size() && is_digit(text[i])) ++i;
    if (i == point + 1) return std::nullopt;
  }
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.empty()) return text.ends_with('.') ? std::nullopt : std::optional(Value(number));
  if (!unit.starts_with(' ')) return std::nullopt;  // 0x1F and dates are for the parser
  unit = trim(unit);
  const bool is_unit = !unit.empty() && std::all_of(unit.begin(), unit.end(), is_letter);
  return is_unit ? std::optional(Value(text)) : std::nullopt;
}

long depth(std::string_view path) { return std::count(path.begin(), path.end(), '.'); }

/// Whether an override wrote the value, or some key of it.
bool is_given(const Value& value) {
  if (value.is_table()) {
    const Value::Table& table = value.as_table();
    return std::any_of(table.begin(), table.end(), [](const Value::Entry& e) { return is_given(e.value); });
  }
  if (value.is_array() && std::any_of(value.as_array().begin(), value.as_array().end(), is_given))
    return true;
  return value.source().text != nullptr && value.source().text->name == kSourceName;
}

std::string shown(const Value& value) { return value.is_null() ? "nothing" : to_toml_value(value); }

[[noreturn]] void throw_given_twice(const std::string& path, const Value& first, const Value& second) {
  throw_config_error(fmt::format("{} is given twice: as {} and as {}; keep one of the two", path,
                                 shown(first), shown(second)),
                     second.source());
}

/// A preset's name as a table, so that keys can stand beside it.
Value named_preset(Value name) {
  Value table = Value::table();
  table.set_source(name.source());
  table.set_key("preset", std::move(name));
  return table;
}

/// The keys of a table that no override wrote, gone.
void keep_given(Value& table) {
  std::erase_if(table.as_table(), [](const Value::Entry& entry) { return !is_given(entry.value); });
}

bool is_device(std::string_view path) { return path == "device" || path.ends_with(".device"); }

/// Whether the table describes another device, so that what `there` says of its own holds no longer.
bool names_anew(const Value& there, const Value& table) {
  const bool had_model = there.find("model") != nullptr;
  if (table.find("preset") != nullptr) return had_model;
  const Value* model = table.find("model");
  return model != nullptr && (!had_model || !(*model == *there.find("model")));
}

/// `value` at `place`, as overrides.h says.
void put(Value& place, Value value, const std::string& path) {
  if (value.is_text() && place.is_table() && is_device(path)) value = named_preset(std::move(value));
  if (value.is_table() && place.is_text()) place = named_preset(std::move(place));
  if (value.is_table() && place.is_table()) {
    if (names_anew(place, value)) keep_given(place);
    for (Value::Entry& entry : value.as_table()) {
      Value* there = place.find(entry.key);
      if (there == nullptr) {
        place.set_key(entry.key, std::move(entry.value));
      } else {
        put(*there, std::move(entry.value), path + "." + entry.key);
      }
    }
    return;
  }
  if (is_given(place) && !(place == value)) throw_given_twice(path, place, value);
  place = std::move(value);
}

/// Where a preset's name stands and one of its keys is set, the name becomes a table's `preset`.
void open_presets(Value& table, std::string_view path) {
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    if (!table.contains(path.substr(0, dot))) return;
    Value& value = const_cast<Value&>(std::as_const(table).at(path.substr(0, dot)));
    if (value.is_text()) value = named_preset(std::move(value));
  }
}

void apply(Value& table, Override&& change) {
  open_presets(table, change.path);
  if (!table.contains(change.path)) {
    table.set(change.path, std::move(change.value));
  } else {
    put(const_cast<Value&>(std::as_const(table).at(change.path)), std::move(change.value), change.path);
  }
}

}  // namespace

Override parse_override(std::string_view key_equals_value) {
  const std::size_t equals = key_equals_value.find('=');
  const std::string_view path = trim(key_equals_value.substr(0, equals));
  if (equals == std::string_view::npos || path.empty() || path.starts_with('.') || path.ends_with('.') ||
      contains(path, "..")) {
    throw ConfigError(
        fmt::format("--set {} is not key=value; write for example --set adc.bits=6", key_equals_value));
  }
  if (depth(path) > kMaxDepth) {
    throw ConfigError(fmt::format("--set {} is nested deeper than {} levels", path, kMaxDepth));
  }
  const std::string_view text = trim(key_equals_value.substr(equals + 1));
  const auto source = std::make_shared<SourceText>();
  source->name = kSourceName;
  source->lines = {std::string(key_equals_value)};
  const auto value_column = static_cast<int>(text.data() - key_equals_value.data());

  Value value(text);
  value.set_source({source, 1, value_column + 1, std::max(1, static_cast<int>(text.size()))});
  if (std::optional<Value> simple = simple_value(text)) {
    simple->set_source(value.source());
    return {std::string(path), std::move(*simple)};
  }
  const std::string assignment = fmt::format("v = {}", text);
  try {
    const Value parsed = parse_toml(assignment, kSourceName);
    if (parsed.as_table().size() == 1 && !contains(text, "\n")) {
      value = *parsed.find("v");
      move_source(value, source, value_column - 4);
    }
  } catch (const ConfigError&) {
    // Plain text stands as it is; what starts like a list, table or quoted text was meant as one.
    const bool is_plain = text.empty() || !contains("[{\"'", text.substr(0, 1));
    if (!is_plain) {
      throw_config_error(fmt::format("--set {}: this is no valid TOML value", path), value.source());
    }
  }
  return {std::string(path), std::move(value)};
}

void apply_overrides(Value& table, std::vector<Override> overrides) {
  std::stable_sort(overrides.begin(), overrides.end(), [](const Override& a, const Override& b) {
    const long of_a = depth(a.path), of_b = depth(b.path);
    return std::tie(of_a, a.path) < std::tie(of_b, b.path);
  });
  for (Override& change : overrides) apply(table, std::move(change));
}

void apply_overrides(Value& table, std::span<const std::string> overrides) {
  // Sorted, because the keys of layer rules keep the order in which they came.
  std::vector<std::string> texts(overrides.begin(), overrides.end());
  std::sort(texts.begin(), texts.end());
  std::vector<Override> changes;
  for (const std::string& text : texts) changes.push_back(parse_override(text));
  apply_overrides(table, std::move(changes));
}

void apply_override(Value& table, std::string_view key_equals_value) {
  apply(table, parse_override(key_equals_value));
}

}  // namespace mq
