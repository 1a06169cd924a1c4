#include "meltquench/experiment/readable.h"

#include <fmt/format.h>

#include <cmath>

namespace mq {
namespace {

const char* const kNotAvailable = "n/a";

}  // namespace

std::string readable_time(double seconds) {
  struct Unit {
    double seconds;
    const char* one;
    const char* many;
  };
  constexpr Unit kUnits[] = {{365 * 86400.0, "year", "years"},
                             {30 * 86400.0, "month", "months"},
                             {86400.0, "day", "days"},
                             {3600.0, "h", "h"},
                             {60.0, "min", "min"}};
  if (!std::isfinite(seconds)) return kNotAvailable;
  for (const Unit& unit : kUnits) {
    const double count = seconds / unit.seconds;
    if (count >= 1 && count == std::floor(count))
      return fmt::format("{} {}", readable_number(count), count == 1 ? unit.one : unit.many);
  }
  if (seconds == 0 || std::abs(seconds) >= 1) return readable_number(seconds, 6) + " s";
  if (std::abs(seconds) >= 1e-3) return readable_number(seconds * 1e3) + " ms";
  return readable_number(seconds * 1e6) + " µs";
}

std::string readable_percent(double fraction, int decimals) {
  if (!std::isfinite(fraction)) return kNotAvailable;
  std::string text = fmt::format("{:.{}f}", fraction * 100, decimals);
  const bool is_zero = text.find_first_not_of("-0.") == std::string::npos;
  return is_zero && text.front() == '-' ? text.substr(1) : text;
}

std::string readable_count(std::uint64_t count, const char* separator) {
  const std::string digits = std::to_string(count);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string readable_number(double value, int digits) {
  if (!std::isfinite(value)) return kNotAvailable;
  return fmt::format("{:.{}g}", value == 0 ? 0.0 : value, digits);  // no "-0"
}

SiPrefix si_prefix(double magnitude, const std::string& unit) {
  struct Step {
    double size;
    const char* symbol;
  };
  constexpr Step kSteps[] = {{1e9, "G"},  {1e6, "M"},  {1e3, "k"},   {1, ""},     {1e-3, "m"},
                             {1e-6, "µ"}, {1e-9, "n"}, {1e-12, "p"}, {1e-15, "f"}};
  const double size = std::abs(magnitude);
  if (unit.empty() || unit == "%" || size == 0 || !std::isfinite(size)) return {1, ""};
  for (const Step& step : kSteps)
    if (size >= step.size * (1 - 1e-6)) return {1 / step.size, step.symbol};  // float 1e-6 is a little less
  return {1, ""};
}

}  // namespace mq
