#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

std::string quoted_text(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
          out += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
        } else {
          out += c;
        }
    }
  }
  return out + "\"";
}

std::string key_text(std::string_view key) {
  const bool is_bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
  return is_bare ? std::string(key) : quoted_text(key);
}

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  const std::string text = format_number(value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;  // n: inf
}

/// A list of tables, which gets a [[header]] for each.
bool is_table_list(const Value& value) {
  return value.is_array() && !value.as_array().empty() &&
         std::all_of(value.as_array().begin(), value.as_array().end(),
                     [](const Value& v) { return v.is_table(); });
}

bool has_own_header(const Value& value) { return value.is_table() || is_table_list(value); }

void append_table(std::string& out, const Value& table, const std::string& path) {
  const auto header = [&](std::string_view open, const std::string& name, std::string_view close) {
    if (!out.empty()) out += '\n';
    out += fmt::format("{}{}{}\n", open, name, close);
  };
  // Plain entries first: behind a header they would belong to that table.
  for (const Value::Entry& entry : table.as_table()) {
    if (has_own_header(entry.value) || entry.value.is_null()) continue;
    out += fmt::format("{} = {}\n", key_text(entry.key), to_toml_value(entry.value));
  }
  for (const Value::Entry& entry : table.as_table()) {
    const std::string name =
        path.empty() ? key_text(entry.key) : fmt::format("{}.{}", path, key_text(entry.key));
    if (entry.value.is_table()) {
      header("[", name, "]");
      append_table(out, entry.value, name);
    } else if (is_table_list(entry.value)) {
      for (const Value& element : entry.value.as_array()) {
        header("[[", name, "]]");
        append_table(out, element, name);
      }
    }
  }
}

}  // namespace

std::string to_toml_value(const Value& value) {
  std::string out;
  switch (value.kind()) {
    case Value::Kind::null:
      throw ConfigError("TOML has no null; leave the entry out");
    case Value::Kind::boolean:
      return value.as_boolean() ? "true" : "false";
    case Value::Kind::integer:
      return std::to_string(value.as_integer());
    case Value::Kind::number:
      return number_text(value.as_number());
    case Value::Kind::text:
      return quoted_text(value.as_text());
    case Value::Kind::array:
      for (const Value& element : value.as_array()) out += (out.empty() ? "" : ", ") + to_toml_value(element);
      return "[" + out + "]";
    case Value::Kind::table:
      for (const Value::Entry& entry : value.as_table()) {
        if (entry.value.is_null()) continue;
        out += fmt::format("{}{} = {}", out.empty() ? "" : ", ", key_text(entry.key),
                           to_toml_value(entry.value));
      }
      return out.empty() ? "{}" : "{ " + out + " }";
  }
  return out;
}

std::string to_toml(const Value& table) {
  std::string out;
  append_table(out, table, "");
  return out;
}

}  // namespace mq
