#include "meltquench/core/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq {
namespace {

constexpr std::string_view kKindNames[] = {"nothing", "a boolean", "an integer", "a number",
                                           "text",    "a list",    "a table"};

[[noreturn]] void throw_kind_error(std::string_view expected, const Value& found) {
  throw_config_error(fmt::format("expected {}, found {}", expected, found.kind_name()), found.source());
}

/// Takes the part before the first dot off a path.
std::string_view take_segment(std::string_view& path) {
  const std::size_t dot = path.find('.');
  const std::string_view segment = path.substr(0, dot);
  path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  return segment;
}

const Value* child(const Value& parent, std::string_view segment) {
  if (parent.is_table()) return parent.find(segment);
  if (!parent.is_array()) return nullptr;
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(segment.data(), segment.data() + segment.size(), index);
  const Value::Array& array = parent.as_array();
  const bool is_index = error == std::errc() && end == segment.data() + segment.size();
  return is_index && index < array.size() ? &array[index] : nullptr;
}

std::vector<std::string> keys_of(const Value& value) {
  std::vector<std::string> keys;
  if (value.is_table()) {
    for (const Value::Entry& entry : value.as_table()) keys.push_back(entry.key);
  }
  return keys;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

Value::Value() = default;
Value::Value(const Value&) = default;
Value::Value(Value&&) noexcept = default;
Value& Value::operator=(const Value&) = default;
Value& Value::operator=(Value&&) noexcept = default;
Value::~Value() = default;

Value::Value(bool value) : data_(value) {}
Value::Value(int value) : data_(std::int64_t{value}) {}
Value::Value(std::int64_t value) : data_(value) {}
Value::Value(double value) : data_(value) {}
Value::Value(std::string value) : data_(std::move(value)) {}
Value::Value(std::string_view value) : data_(std::string(value)) {}
Value::Value(const char* value) : data_(std::string(value)) {}
Value::Value(Array value) : data_(std::move(value)) {}
Value::Value(Table value) : data_(std::move(value)) {}

Value Value::array() { return Value(Array{}); }
Value Value::table() { return Value(Table{}); }

std::string_view Value::kind_name() const { return kKindNames[data_.index()]; }

bool Value::as_boolean() const {
  if (const bool* value = std::get_if<bool>(&data_)) return *value;
  throw_kind_error("true or false", *this);
}

std::int64_t Value::as_integer() const {
  if (const std::int64_t* value = std::get_if<std::int64_t>(&data_)) return *value;
  throw_kind_error("an integer", *this);
}

double Value::as_number() const {
  if (const double* value = std::get_if<double>(&data_)) return *value;
  if (const std::int64_t* value = std::get_if<std::int64_t>(&data_)) return static_cast<double>(*value);
  throw_kind_error("a number", *this);
}

const std::string& Value::as_text() const {
  if (const std::string* value = std::get_if<std::string>(&data_)) return *value;
  throw_kind_error("text", *this);
}

const Value::Array& Value::as_array() const {
  if (const Array* value = std::get_if<Array>(&data_)) return *value;
  throw_kind_error("a list", *this);
}
Value::Array& Value::as_array() { return const_cast<Array&>(std::as_const(*this).as_array()); }

const Value::Table& Value::as_table() const {
  if (const Table* value = std::get_if<Table>(&data_)) return *value;
  throw_kind_error("a table", *this);
}
Value::Table& Value::as_table() { return const_cast<Table&>(std::as_const(*this).as_table()); }

const Value* Value::find(std::string_view key) const {
  const Table* table = std::get_if<Table>(&data_);
  if (table == nullptr) return nullptr;
  const auto entry = std::find_if(table->begin(), table->end(), [&](const Entry& e) { return e.key == key; });
  return entry == table->end() ? nullptr : &entry->value;
}
Value* Value::find(std::string_view key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

const Value& Value::at(std::string_view path) const {
  const Value* value = this;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = take_segment(rest);
    const Value* next = child(*value, segment);
    if (next == nullptr) {
      const std::string_view so_far = path.substr(0, path.size() - rest.size() - (rest.empty() ? 0 : 1));
      throw_config_error(fmt::format("{} is not there{}", so_far, did_you_mean(segment, keys_of(*value))),
                         value->source());
    }
    value = next;
  }
  return *value;
}

bool Value::contains(std::string_view path) const {
  const Value* value = this;
  for (std::string_view rest = path; value != nullptr && !rest.empty();)
    value = child(*value, take_segment(rest));
  return value != nullptr;
}

void Value::set(std::string_view path, Value value) {
  Value* place = this;
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = take_segment(rest);
    Value* next = const_cast<Value*>(child(*place, segment));
    if (next == nullptr && place->is_null()) *place = table();
    if (next == nullptr && !place->is_table()) {
      throw_config_error(fmt::format("{} cannot be set: {} stands where {} is due", path, place->kind_name(),
                                     place->is_array() ? "an index of the list" : "a table"),
                         value.source());
    }
    place = next != nullptr ? next : &place->set_key(segment, Value());
  }
  *place = std::move(value);
}

Value& Value::set_key(std::string_view key, Value value) {
  if (Value* present = find(key)) return *present = std::move(value);
  as_table().push_back({std::string(key), std::move(value), {}});
  return as_table().back().value;
}

bool Value::erase_key(std::string_view key) {
  return std::erase_if(as_table(), [&](const Entry& entry) { return entry.key == key; }) > 0;
}

bool operator==(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  if (!a.is_table()) return a.data_ == b.data_;
  return a.as_table().size() == b.as_table().size() &&
         std::all_of(a.as_table().begin(), a.as_table().end(), [&](const Value::Entry& entry) {
           const Value* other = b.find(entry.key);
           return other != nullptr && entry.value == *other;
         });
}

std::string underlined(const Source& source) {
  if (source.line < 1 || source.text == nullptr) return {};
  const auto& lines = source.text->lines;
  const std::string place = fmt::format("\n --> {}:{}:{}", source.text->name, source.line, source.column);
  if (static_cast<std::size_t>(source.line) > lines.size()) return place;

  // Of a long line, the part around the place.
  constexpr std::size_t kShown = 100;
  const std::string& whole = lines[source.line - 1];
  const std::size_t column = std::min<std::size_t>(std::max(source.column, 1) - 1, whole.size());
  std::size_t start = column > kShown * 3 / 4 ? column - kShown / 2 : 0;
  while (start > 0 && start < whole.size() && is_continuation(whole[start])) ++start;
  std::string line = whole.substr(start, kShown);
  std::string padding;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (static_cast<unsigned char>(line[i]) < ' ' && line[i] != '\t')
      line[i] = '?';  // no escape reaches a terminal
    if (start + i < column && !is_continuation(line[i])) padding += line[i] == '\t' ? '\t' : ' ';
  }
  std::size_t length = 0;
  for (std::size_t i = column; i < std::min(column + std::max(source.length, 1), start + line.size()); ++i) {
    if (!is_continuation(whole[i])) ++length;
  }
  const std::string number = std::to_string(source.line);
  const std::string margin(number.size(), ' ');
  return fmt::format("{0}\n{1} |\n{2} | {3}\n{1} | {4}^{5}", place, margin, number, line, padding,
                     std::string(length > 0 ? length - 1 : 0, '~'));
}

void throw_config_error(const std::string& sentence, const Source& source) {
  throw ConfigError(sentence + underlined(source));
}

}  // namespace mq
