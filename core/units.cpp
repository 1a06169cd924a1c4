#include "meltquench/core/units.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>
#include <vector>

#include "meltquench/core/contract.h"
#include "meltquench/core/digits.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

/// Shown spellings stand in sentences and results; the others are only understood.
enum class Use { shown, understood };

struct Spelling {
  Unit unit;
  std::string_view text;
  int exponent;    // power of ten
  int factor = 1;  // on top, for times: 1 day = 86400
  Use use = Use::shown;
};

constexpr Spelling kSpellings[] = {
    {Unit::one, "", 0},
    {Unit::one, "%", -2, 1, Use::understood},

    {Unit::siemens, "S", 0},
    {Unit::siemens, "mS", -3},
    {Unit::siemens, "uS", -6},
    {Unit::siemens, "nS", -9},
    {Unit::siemens, "pS", -12},

    {Unit::second, "s", 0},
    {Unit::second, "ms", -3},
    {Unit::second, "us", -6},
    {Unit::second, "ns", -9},
    {Unit::second, "ps", -12},
    {Unit::second, "min", 0, 60},
    {Unit::second, "h", 0, 3600},
    {Unit::second, "day", 0, 86400},
    {Unit::second, "month", 0, 30 * 86400},
    {Unit::second, "year", 0, 365 * 86400},
    {Unit::second, "minute", 0, 60, Use::understood},
    {Unit::second, "hour", 0, 3600, Use::understood},
    {Unit::second, "d", 0, 86400, Use::understood},

    {Unit::volt, "V", 0},
    {Unit::volt, "mV", -3},
    {Unit::volt, "uV", -6},

    {Unit::ampere, "A", 0},
    {Unit::ampere, "mA", -3},
    {Unit::ampere, "uA", -6},
    {Unit::ampere, "nA", -9},
    {Unit::ampere, "pA", -12},

    {Unit::ohm, "MOhm", 6},
    {Unit::ohm, "kOhm", 3},
    {Unit::ohm, "Ohm", 0},
    {Unit::ohm, "mOhm", -3},
    {Unit::ohm, "ohm", 0, 1, Use::understood},
    {Unit::ohm, "Ω", 0, 1, Use::understood},
    {Unit::ohm, "kΩ", 3, 1, Use::understood},
    {Unit::ohm, "MΩ", 6, 1, Use::understood},

    {Unit::joule, "J", 0},
    {Unit::joule, "mJ", -3},
    {Unit::joule, "uJ", -6},
    {Unit::joule, "nJ", -9},
    {Unit::joule, "pJ", -12},
    {Unit::joule, "fJ", -15},

    {Unit::watt, "W", 0},
    {Unit::watt, "mW", -3},
    {Unit::watt, "uW", -6},
    {Unit::watt, "nW", -9},

    {Unit::kelvin, "K", 0},
    {Unit::kelvin, "mK", -3},

    {Unit::hertz, "GHz", 9},
    {Unit::hertz, "MHz", 6},
    {Unit::hertz, "kHz", 3},
    {Unit::hertz, "Hz", 0},

    {Unit::farad, "F", 0},
    {Unit::farad, "uF", -6},
    {Unit::farad, "nF", -9},
    {Unit::farad, "pF", -12},
    {Unit::farad, "fF", -15},

    {Unit::meter, "m", 0},
    {Unit::meter, "mm", -3},
    {Unit::meter, "um", -6},
    {Unit::meter, "nm", -9},

    {Unit::square_meter, "m2", 0},
    {Unit::square_meter, "mm2", -6},
    {Unit::square_meter, "um2", -12},

    {Unit::electron_volt, "eV", 0},
    {Unit::electron_volt, "meV", -3},
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// "µS" and "μS" (micro sign, Greek mu) as "uS".
std::string with_plain_micro(std::string_view text) {
  std::string result(text);
  for (std::string_view sign : {"\xC2\xB5", "\xCE\xBC"}) {
    if (result.starts_with(sign)) result.replace(0, sign.size(), "u");
  }
  return result;
}

const Spelling* find_spelling(std::string_view text, Unit unit) {
  std::string word = with_plain_micro(text);
  for (const Spelling& spelling : kSpellings) {
    if (spelling.unit == unit && spelling.text == word) return &spelling;
  }
  // "2 days"; single letters have no plural.
  if (word.size() > 3 && word.back() == 's') {
    word.pop_back();
    for (const Spelling& spelling : kSpellings) {
      if (spelling.unit == unit && spelling.factor > 1 && spelling.text == word && word != "min")
        return &spelling;
    }
  }
  return nullptr;
}

/// A decimal number as its mantissa's text and its exponent, so that a prefix can be added before rounding.
struct Decimal {
  std::string mantissa;
  long exponent = 0;
};

/// Takes the number off the front of `text`.
std::optional<Decimal> take_decimal(std::string_view& text) {
  Decimal decimal;
  std::size_t i = 0;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) {
    if (text[i] == '-') decimal.mantissa = "-";
    ++i;
  }
  const std::size_t digits_start = i;
  std::size_t digits = 0;
  for (bool has_point = false; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      ++digits;
    } else if (text[i] == '.' && !has_point) {
      has_point = true;
    } else {
      break;
    }
  }
  if (digits == 0) return std::nullopt;
  decimal.mantissa += text.substr(digits_start, i - digits_start);
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    std::size_t j = i + 1;
    if (j < text.size() && (text[j] == '+' || text[j] == '-')) ++j;
    const std::size_t exponent_start = text[i + 1] == '+' ? j : i + 1;
    std::size_t end = j;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end > j) {
      const char* first = text.data() + exponent_start;
      if (std::from_chars(first, text.data() + end, decimal.exponent).ec != std::errc()) return std::nullopt;
      if (std::abs(decimal.exponent) > 100000) return std::nullopt;
      i = end;
    }
  }
  text.remove_prefix(i);
  return decimal;
}

std::optional<double> to_double(const Decimal& decimal) {
  const std::string text = decimal.mantissa + "e" + std::to_string(decimal.exponent);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> try_parse(std::string_view text, Unit unit) {
  std::string_view rest = trim(text);
  std::optional<Decimal> decimal = take_decimal(rest);
  if (!decimal) return std::nullopt;
  rest = trim(rest);
  int factor = 1;
  if (!rest.empty()) {
    const Spelling* spelling = find_spelling(rest, unit);
    if (spelling == nullptr) return std::nullopt;
    decimal->exponent += spelling->exponent;
    factor = spelling->factor;
  }
  const std::optional<double> value = to_double(*decimal);
  if (!value || !std::isfinite(*value * factor)) return std::nullopt;
  return *value * factor;
}

template <class T>
std::string shortest_text(T value) {
  char buffer[64];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr};
}

/// Significant digits without a point, and the power of ten of the first one.
struct Digits {
  std::string sign, digits;
  int exponent = 0;
};

template <class T>
Digits digits_of(T value) {
  char buffer[64];
  const char* end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  Digits result;
  const std::size_t e = text.find('e');
  for (char c : text.substr(0, e)) {
    if (c == '-') {
      result.sign = "-";
    } else if (c != '.') {
      result.digits += c;
    }
  }
  result.exponent = std::stoi(std::string(text.substr(e + 1)));
  return result;
}

/// `digits` with the first one at 10^exponent: "2.5", "0.05", "250", "2.5e+20".
std::string place_point(const Digits& number, int exponent) {
  std::string digits = number.digits;
  const int count = static_cast<int>(digits.size());
  if (exponent >= -4 && exponent < 0) return number.sign + "0." + std::string(-exponent - 1, '0') + digits;
  if (exponent >= 0 && exponent <= 6) {
    if (exponent + 1 >= count) return number.sign + digits + std::string(exponent + 1 - count, '0');
    return number.sign + digits.insert(exponent + 1, ".");
  }
  if (count > 1) digits.insert(1, ".");
  return number.sign + digits + "e" + (exponent < 0 ? "-" : "+") + std::to_string(std::abs(exponent));
}

/// "3 days" where the time is a whole number of minutes or more.
std::optional<std::string> whole_time(double seconds) {
  constexpr std::string_view kLongToShort[] = {"year", "month", "day", "h", "min"};
  for (std::string_view text : kLongToShort) {
    const int factor = find_spelling(text, Unit::second)->factor;
    const double count = seconds / factor;
    if (count < 1 || count > 1e6 || count != std::floor(count) || count * factor != seconds) continue;
    const bool has_plural = text == "day" || text == "month" || text == "year";
    return shortest_text(static_cast<long>(count)) + " " + std::string(text) +
           (has_plural && count > 1 ? "s" : "");
  }
  return std::nullopt;
}

template <class T>
std::string format_with_unit(T value, Unit unit) {
  MQ_EXPECTS(std::isfinite(value));
  if (unit == Unit::one) return shortest_text(value);
  if (value == 0) return (std::signbit(value) ? "-0 " : "0 ") + std::string(symbol(unit));
  if (unit == Unit::second) {
    if (const auto text = whole_time(value)) return *text;
  }
  const Digits digits = digits_of(value);
  // The largest prefix that leaves a digit before the point, else the smallest there is.
  const Spelling* best = nullptr;
  for (const Spelling& spelling : kSpellings) {
    if (spelling.unit != unit || spelling.use != Use::shown || spelling.factor != 1) continue;
    const bool fits = spelling.exponent <= digits.exponent;
    const bool best_fits = best != nullptr && best->exponent <= digits.exponent;
    if (best == nullptr || (fits ? !best_fits || spelling.exponent > best->exponent
                                 : !best_fits && spelling.exponent < best->exponent)) {
      best = &spelling;
    }
  }
  return place_point(digits, digits.exponent - best->exponent) + " " + std::string(best->text);
}

}  // namespace

std::string_view symbol(Unit unit) {
  for (const Spelling& spelling : kSpellings) {
    if (spelling.unit == unit && spelling.exponent == 0 && spelling.factor == 1) return spelling.text;
  }
  return {};
}

std::string_view quantity_name(Unit unit) {
  switch (unit) {
    case Unit::one:
      return "dimensionless number";
    case Unit::siemens:
      return "conductance";
    case Unit::second:
      return "time";
    case Unit::volt:
      return "voltage";
    case Unit::ampere:
      return "current";
    case Unit::ohm:
      return "resistance";
    case Unit::joule:
      return "energy";
    case Unit::watt:
      return "power";
    case Unit::kelvin:
      return "temperature";
    case Unit::hertz:
      return "frequency";
    case Unit::farad:
      return "capacitance";
    case Unit::meter:
      return "length";
    case Unit::square_meter:
      return "area";
    case Unit::electron_volt:
      return "activation energy";
  }
  return {};
}

std::string accepted_text(Unit unit) {
  if (unit == Unit::one) return "a plain number or one with %";
  std::vector<std::string_view> shown;
  for (const Spelling& spelling : kSpellings) {
    if (spelling.unit == unit && spelling.use == Use::shown) shown.push_back(spelling.text);
  }
  std::string result = "a number with ";
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (i > 0) result += i + 1 == shown.size() ? " or " : ", ";
    result += shown[i];
  }
  return result + " (or a plain number in " + std::string(symbol(unit)) + ")";
}

double parse_quantity(std::string_view text, Unit unit) {
  if (const std::optional<double> value = try_parse(text, unit)) return *value;
  const std::string_view shown = trim(text).substr(0, 60);
  throw ConfigError((shown.empty() ? "\"\"" : std::string(shown)) + " is not a " +
                    std::string(quantity_name(unit)) + ": expected " + accepted_text(unit));
}

std::string format_quantity(double value, Unit unit) { return format_with_unit(value, unit); }

std::string format_quantity(float value, Unit unit) {
  const std::string text = format_with_unit(value, unit);
  return static_cast<float>(*try_parse(text, unit)) == value ? text : format_with_unit(double{value}, unit);
}

std::string format_number(double value) { return shortest_text(value); }
std::string format_number(float value) { return shortest_text(value); }

double shortest_double(float value) {
  if (!std::isfinite(value)) return value;
  const std::string text = shortest_text(value);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  // A decimal that rounds to `value` directly may, rarely, round away from it by way of a double.
  return static_cast<float>(result) == value ? result : value;
}

}  // namespace mq
