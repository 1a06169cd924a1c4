#include "meltquench/core/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

/// Builds a `Value` while nlohmann reads; its own document type would lose the order of keys.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  static constexpr std::size_t kMaxDepth = 64;

  bool null() override { return add(Value()); }
  bool boolean(bool value) override { return add(Value(value)); }
  bool number_integer(number_integer_t value) override { return add(Value(std::int64_t{value})); }
  bool number_unsigned(number_unsigned_t value) override {
    const bool fits = value <= static_cast<number_unsigned_t>(std::numeric_limits<std::int64_t>::max());
    return add(fits ? Value(static_cast<std::int64_t>(value)) : Value(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t&) override { return add(Value(value)); }
  bool string(string_t& value) override { return add(Value(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Value::table()); }
  bool start_array(std::size_t) override { return open(Value::array()); }
  bool key(string_t& name) override {
    open_.back().key = name;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    position_ = position;
    problem_ = error.what();
    return false;
  }

  Value result;
  std::size_t position_ = 0;
  std::string problem_;

 private:
  struct Open {
    Value value;
    std::string key;
  };

  bool add(Value value) {
    if (open_.empty()) {
      result = std::move(value);
    } else if (open_.back().value.is_table()) {
      open_.back().value.set_key(open_.back().key, std::move(value));
    } else {
      open_.back().value.as_array().push_back(std::move(value));
    }
    return true;
  }
  bool open(Value value) {
    if (open_.size() == kMaxDepth) {
      problem_ = fmt::format("it is nested deeper than {} levels", kMaxDepth);
      return false;
    }
    open_.push_back({std::move(value), {}});
    return true;
  }
  bool close() {
    Value value = std::move(open_.back().value);
    open_.pop_back();
    return add(std::move(value));
  }

  std::vector<Open> open_;
};

void append_quoted(std::string& out, const std::string& text) {
  const bool is_plain = std::all_of(text.begin(), text.end(),
                                    [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (is_plain) {
    out += '"';
    out += text;
    out += '"';
    return;
  }
  out += nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::ignore);
}

std::string number_text(double value) {
  if (!std::isfinite(value)) return '"' + format_number(value) + '"';
  const std::string text = format_number(value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

void append_json(std::string& out, const Value& value, int indent, int depth) {
  const auto new_line = [&](int level) {
    if (indent >= 0) out += "\n" + std::string(static_cast<std::size_t>(indent * level), ' ');
  };
  switch (value.kind()) {
    case Value::Kind::null:
      out += "null";
      break;
    case Value::Kind::boolean:
      out += value.as_boolean() ? "true" : "false";
      break;
    case Value::Kind::integer:
      out += std::to_string(value.as_integer());
      break;
    case Value::Kind::number:
      out += number_text(value.as_number());
      break;
    case Value::Kind::text:
      append_quoted(out, value.as_text());
      break;
    case Value::Kind::array:
      out += '[';
      for (std::size_t i = 0; i < value.as_array().size(); ++i) {
        if (i > 0) out += ',';
        new_line(depth + 1);
        append_json(out, value.as_array()[i], indent, depth + 1);
      }
      if (!value.as_array().empty()) new_line(depth);
      out += ']';
      break;
    case Value::Kind::table:
      out += '{';
      for (std::size_t i = 0; i < value.as_table().size(); ++i) {
        const Value::Entry& entry = value.as_table()[i];
        if (i > 0) out += ',';
        new_line(depth + 1);
        append_quoted(out, entry.key);
        out += indent >= 0 ? ": " : ":";
        append_json(out, entry.value, indent, depth + 1);
      }
      if (!value.as_table().empty()) new_line(depth);
      out += '}';
      break;
  }
}

}  // namespace

std::string to_json(const Value& value, int indent) {
  std::string out;
  append_json(out, value, indent, 0);
  return out;
}

Value parse_json(std::string_view text, std::string_view name) {
  Builder builder;
  if (nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) return std::move(builder.result);
  std::string problem = builder.problem_;
  // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..."
  const std::size_t bracket = problem.find("] ");
  if (bracket != std::string::npos) problem = problem.substr(bracket + 2);
  throw DataError(fmt::format("{} is not valid JSON: {}", name, problem));
}

}  // namespace mq
