#include "meltquench/experiment/sweep_grid.h"

#include <cmath>
#include <cstdlib>
#include <optional>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr std::size_t kMostPoints = 100000;

struct Axis {
  std::string key;
  std::vector<std::string> values;
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// Splits at commas outside of brackets and quotes.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  int depth = 0;
  bool is_quoted = false;
  for (const char c : text) {
    if (c == '"') is_quoted = !is_quoted;
    if (!is_quoted && (c == '[' || c == '{' || c == '(')) ++depth;
    if (!is_quoted && (c == ']' || c == '}' || c == ')')) --depth;
    if (c == ',' && depth == 0 && !is_quoted) {
      parts.emplace_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  parts.emplace_back(trimmed(part));
  return parts;
}

/// A number with the unit text behind it: "10 uS" is 10 and "uS".
struct Amount {
  double number;
  std::string unit;
};
Amount amount(const std::string& text, std::string_view call) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number)) {
    throw ConfigError("'" + text + "' in " + std::string(call) + " is not a number");
  }
  return {number, std::string(trimmed(end))};
}

std::vector<std::string> evaluate_call(std::string_view name, std::string_view inside,
                                       std::string_view call) {
  const std::vector<std::string> arguments = split(inside);
  const bool is_range = name == "range";
  if (arguments.size() != 3 && !(is_range && arguments.size() == 2)) {
    throw ConfigError(std::string(call) + " needs " +
                      (is_range ? "(first, end) or (first, end, step)" : "(first, last, count)"));
  }
  const Amount first = amount(arguments[0], call), second = amount(arguments[1], call);
  const double third = arguments.size() == 3 ? amount(arguments[2], call).number : 1.0;
  const std::string unit = first.unit.empty() ? second.unit : first.unit;
  if (!second.unit.empty() && second.unit != unit) {
    throw ConfigError(std::string(call) + " mixes the units " + unit + " and " + second.unit +
                      "; write both ends alike");
  }
  std::vector<double> numbers;
  if (is_range) {
    if (third == 0.0 || (second.number - first.number) / third > double(kMostPoints)) {
      throw ConfigError(std::string(call) + " has too many values; the step must lead from first to end");
    }
    const auto count = static_cast<long>(std::ceil((second.number - first.number) / third - 1e-9));
    for (long i = 0; i < count; ++i) numbers.push_back(first.number + static_cast<double>(i) * third);
  } else {
    if (third < 1 || third != std::floor(third) || third > double(kMostPoints)) {
      throw ConfigError("the count in " + std::string(call) + " must be a whole number from 1 to 100000");
    }
    if (name == "log" && !(first.number > 0 && second.number > 0)) {
      throw ConfigError(std::string(call) + " needs two positive ends");
    }
    for (int i = 0; i < static_cast<int>(third); ++i) {
      const double part = third == 1 ? 0.0 : i / (third - 1);
      numbers.push_back(name == "lin" ? first.number + part * (second.number - first.number)
                                      : first.number * std::pow(second.number / first.number, part));
    }
  }
  std::vector<std::string> values;
  for (const double number : numbers) {
    const bool is_whole = number == std::floor(number) && std::abs(number) < 1e15;
    // Rounded so that lin(0, 1, 11) lists 0.3 and not 0.30000000000000004.
    const std::string text =
        is_whole ? std::to_string(static_cast<long long>(number))
                 : format_number(std::strtod(format_number(static_cast<float>(number)).c_str(), nullptr));
    values.push_back(unit.empty() ? text : text + " " + unit);
  }
  return values;
}

Axis axis_from_text(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw ConfigError("'" + text + "' is no sweep axis; write key=a,b,c, e.g. adc.bits=4,6,8");
  }
  const std::string key(trimmed(std::string_view(text).substr(0, equals)));
  return {key, sweep_values(std::string_view(text).substr(equals + 1), key)};
}

std::string text_of(const Value& value) {
  if (value.is_text()) return value.as_text();
  Value table = Value::table();
  table.set_key("v", value);
  const std::string toml = to_toml(table);  // "v = 4\n"
  return std::string(trimmed(toml.substr(toml.find('=') + 1, toml.size() - toml.find('=') - 2)));
}

std::vector<Axis> axes_of(const Value& config, std::span<const std::string> extra) {
  std::vector<Axis> axes;
  if (const Value* sweep = config.find("sweep")) {
    if (!sweep->is_table())
      throw_config_error("sweep must be a table of keys with lists of values", sweep->source());
    const auto add = [&](const auto& self, const Value& table, const std::string& prefix) -> void {
      for (const auto& entry : table.as_table()) {
        const std::string key = prefix + entry.key;
        if (entry.value.is_table()) {  // adc.bits without quotes is a table adc with a key bits
          self(self, entry.value, key + ".");
        } else if (entry.value.is_array()) {
          Axis axis{key, {}};
          for (const Value& value : entry.value.as_array()) axis.values.push_back(text_of(value));
          axes.push_back(std::move(axis));
        } else {
          axes.push_back({key, sweep_values(text_of(entry.value), key)});
        }
      }
    };
    add(add, *sweep, "");
  }
  for (const std::string& text : extra) {
    Axis axis = axis_from_text(text);
    std::erase_if(axes, [&](const Axis& other) { return other.key == axis.key; });
    axes.push_back(std::move(axis));
  }
  for (const Axis& axis : axes) {
    if (axis.values.empty()) throw ConfigError("the sweep of " + axis.key + " lists no value");
  }
  return axes;
}

/// Points that differ in a key that cannot act there would be one under two names; a key of the file only has
/// to act at some point.
void check_idle(const std::vector<IdleKey>& idle, const std::vector<Axis>& axes) {
  for (const IdleKey& key : idle) {
    for (const Axis& axis : axes) {
      const bool is_of_axis = key.path == axis.key || key.path.starts_with(axis.key + ".");
      if (!key.is_set || !is_of_axis) continue;
      throw ConfigError(idle_key_message(key) +
                        " in an axis of tables, e.g. 'adc={bits=0},{bits=8,noise=0.5}'");
    }
  }
}

}  // namespace

std::string SweepPoint::label() const {
  std::string text;
  for (const auto& [key, value] : settings) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

std::vector<std::string> sweep_values(std::string_view text, std::string_view key) {
  text = trimmed(text);
  for (const std::string_view name : {"range", "lin", "log"}) {
    if (text.starts_with(name) && text.size() > name.size() && text[name.size()] == '(') {
      if (text.back() != ')')
        throw ConfigError("sweep of " + std::string(key) + ": '" + std::string(text) + "' lacks its ')'");
      return evaluate_call(name, text.substr(name.size() + 1, text.size() - name.size() - 2), text);
    }
  }
  std::vector<std::string> values = split(text);
  for (const std::string& value : values) {
    if (value.empty())
      throw ConfigError("the sweep of " + std::string(key) + " has an empty value in '" + std::string(text) +
                        "'");
  }
  return values;
}

std::vector<SweepPoint> sweep_points(const Value& config, std::span<const std::string> extra) {
  const std::vector<Axis> axes = axes_of(config, extra);
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    if (axis.values.size() > kMostPoints / count) {
      throw ConfigError("the sweep has more than " + std::to_string(kMostPoints) +
                        " points; sweep fewer values");
    }
    count *= axis.values.size();
  }
  Value base = config;
  base.erase_key("sweep");
  std::vector<SweepPoint> points;
  std::vector<IdleKey> idle_everywhere, idle_at_first;
  for (std::size_t i = 0; i < count; ++i) {
    SweepPoint point;
    Value table = base;
    std::size_t rest = i, size = count;
    for (const Axis& axis : axes) {
      size /= axis.values.size();
      const std::string& value = axis.values[rest / size];
      rest %= size;
      point.settings.emplace_back(axis.key, value);
      apply_override(table, axis.key + "=" + value);
    }
    try {
      std::vector<IdleKey> idle;
      point.config = RunConfig::from_value(table, idle);
      check_idle(idle, axes);
      if (i == 0) idle_at_first = idle;
      idle_everywhere = i == 0 ? idle : idle_in_both(std::move(idle_everywhere), idle);
    } catch (const ConfigError& error) {
      if (axes.empty()) throw;
      throw ConfigError("at the sweep point " + point.label() + ": " + error.what());
    }
    points.push_back(std::move(point));
  }
  refuse_idle_keys(idle_everywhere);
  for (const IdleKey& key : idle_at_first) {
    if (!names_path(idle_everywhere, key.path)) points.front().idle.emplace_back(key.path, key.value);
  }
  return points;
}

}  // namespace mq
