#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "meltquench/core/error.h"
#include "meltquench/core/units.h"
#include "meltquench/experiment/sweep_grid.h"

namespace mq {
namespace {

constexpr double kMostValues = 100000;

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

Amount amount(std::string_view text, std::string_view call) {
  const char* const end = text.data() + text.size();
  double number = 0.0;
  const auto [rest, error] = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), end, number);
  if (error != std::errc() || !std::isfinite(number)) {
    throw ConfigError(fmt::format("'{}' in {} is not a number", text, call));
  }
  return {number, std::string(trimmed({rest, static_cast<std::size_t>(end - rest)}))};
}

/// A number of few digits within `noise` of this one, so that lin(0, 1, 11) lists 0.3 and not
/// 0.30000000000000004; the number itself where there is none.
double without_noise(double number, double noise) {
  const std::string text = fmt::format("{:.12g}", number);
  double tidy = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), tidy);
  return std::abs(tidy - number) <= noise ? tidy : number;
}

std::string text_of(double number, const std::string& unit) {
  const bool is_whole = number == std::floor(number) && std::abs(number) < 1e15;
  const std::string text = is_whole ? std::to_string(static_cast<long long>(number)) : format_number(number);
  return unit.empty() ? text : text + " " + unit;
}

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

std::vector<double> range_of(double first, double end, double step, std::string_view call) {
  const double steps = (end - first) / step;
  if (step == 0.0 || steps > kMostValues) {
    throw ConfigError(fmt::format("{} has too many values; the step must lead from first to end", call));
  }
  std::vector<double> numbers;
  const double noise = 2 * kEpsilon * std::max(std::abs(first), std::abs(end));
  // A billionth of a step before the end is the end, rounded.
  for (double i = 0; i < steps - 1e-9; ++i) numbers.push_back(without_noise(first + i * step, noise));
  if (!numbers.empty()) numbers.front() = first;
  return numbers;
}

std::vector<double> steps_of(bool is_log, double first, double last, double count, std::string_view call) {
  if (!(count >= 1 && count <= kMostValues) || count != std::floor(count)) {
    throw ConfigError(fmt::format("the count in {} must be a whole number from 1 to 100000", call));
  }
  if (is_log && !(first > 0 && last > 0)) throw ConfigError(fmt::format("{} needs two positive ends", call));
  if (!std::isfinite(last - first)) throw ConfigError(fmt::format("{} is wider than double precision", call));
  if (count == 1 && first != last) {
    throw ConfigError(fmt::format("{} has two ends but one value; ask for two or more", call));
  }
  const auto n = static_cast<std::size_t>(count);
  const double scale = std::max(std::abs(first), std::abs(last));
  const double log_first = std::log(first), log_last = std::log(last);
  std::vector<double> numbers;
  for (std::size_t i = 0; i < n; ++i) {
    const double part = n == 1 ? 0.0 : static_cast<double>(i) / static_cast<double>(n - 1);
    if (is_log) {
      // By logarithms: the quotient of the ends may overflow.
      const double number = std::exp(log_first + part * (log_last - log_first));
      const double noise = 4 * kEpsilon * (1 + std::max(std::abs(log_first), std::abs(log_last))) * number;
      numbers.push_back(without_noise(number, noise));
    } else {
      numbers.push_back(without_noise(first + part * (last - first), 2 * kEpsilon * scale));
    }
  }
  numbers.back() = last;  // both ends as they were written
  numbers.front() = first;
  return numbers;
}

std::vector<std::string> evaluate_call(std::string_view name, std::string_view inside,
                                       std::string_view call) {
  const std::vector<std::string> arguments = split(inside);
  const bool is_range = name == "range";
  if (arguments.size() != 3 && !(is_range && arguments.size() == 2)) {
    throw ConfigError(fmt::format("{} needs {}", call,
                                  is_range ? "(first, end) or (first, end, step)" : "(first, last, count)"));
  }
  const Amount first = amount(arguments[0], call), second = amount(arguments[1], call);
  const Amount third = arguments.size() == 3 ? amount(arguments[2], call) : Amount{1.0, {}};
  const std::string unit = first.unit.empty() ? second.unit : first.unit;
  if (!second.unit.empty() && second.unit != unit) {
    throw ConfigError(
        fmt::format("{} mixes the units {} and {}; write both ends alike", call, unit, second.unit));
  }
  if (!third.unit.empty() && (!is_range || third.unit != unit)) {
    throw ConfigError(is_range
                          ? fmt::format("{} has a step in {}; write it as the ends", call, third.unit)
                          : fmt::format("the count in {} must be a whole number from 1 to 100000", call));
  }
  const std::vector<double> numbers =
      is_range ? range_of(first.number, second.number, third.number, call)
               : steps_of(name == "log", first.number, second.number, third.number, call);
  std::vector<std::string> values;
  for (const double number : numbers) values.push_back(text_of(number, unit));
  return values;
}

}  // namespace

std::vector<std::string> sweep_values(std::string_view text, std::string_view key) {
  text = trimmed(text);
  for (const std::string_view name : {"range", "lin", "log"}) {
    if (text.starts_with(name) && text.size() > name.size() && text[name.size()] == '(') {
      if (text.back() != ')') throw ConfigError(fmt::format("sweep of {}: '{}' lacks its ')'", key, text));
      return evaluate_call(name, text.substr(name.size() + 1, text.size() - name.size() - 2), text);
    }
  }
  std::vector<std::string> values = split(text);
  for (const std::string& value : values) {
    if (value.empty())
      throw ConfigError(fmt::format("the sweep of {} has an empty value in '{}'", key, text));
  }
  return values;
}

}  // namespace mq
