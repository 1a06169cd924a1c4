#include "meltquench/devices/fit/csv_columns.h"

#include <cmath>
#include <string>

#include "meltquench/core/nearest.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

constexpr std::int64_t kLargestWhole = std::int64_t(1) << 53;
// The models take g_max up to 1 mS; noise may carry a read beyond it.
constexpr double kLargestTarget = 1e-3, kLargestRead = 2e-3;
constexpr double kLongest = 1e10;  // s: 300 years, and the clocks of computers

constexpr std::string_view kNoTime = "no read is so old; is the column in another unit than its name says?";

const std::vector<Quantity>& quantities() {
  static const std::vector<Quantity::Suffix> siemens = {{"_S", 1.0}, {"_uS", 1.0, 1e6}, {"_nS", 1.0, 1e9}},
                                             seconds = {{"_s", 1.0}, {"_min", 60.0}, {"_h", 3600.0}};
  static const std::vector<Quantity> all = {
      {"cell", {}, "cell"},
      {"target",
       siemens,
       "target_uS",
       Unit::siemens,
       {.high = kLargestTarget},
       "no device has a g_max above 1 mS; is the column in another unit than its name says?"},
      {"time", seconds, "time_s", Unit::second, {.high = kLongest}, kNoTime},
      {"programmed_at", seconds, "programmed_at_s", Unit::second, between(-kLongest, kLongest), kNoTime},
      {"read_at", seconds, "read_at_s", Unit::second, between(-kLongest, kLongest), kNoTime},
      {"g", siemens, "g_uS", Unit::siemens, between(-kLargestRead, kLargestRead),
       "no device has a g_max above 1 mS; is the column in another unit than its name says?"},
      {"sequence", {}, "sequence"},
      {"pulse", {}, "pulse"},
      {"direction", {}, "direction"},
      {"frequency",
       {{"_Hz", 1.0}, {"_kHz", 1e3}},
       "frequency_Hz",
       Unit::hertz,
       {.high = 1e12},
       "no noise is read so fast; is the column in another unit than its name says?"},
      {"psd",
       {{"_S2_per_Hz", 1.0}, {"_uS2_per_Hz", 1.0, 1e12}, {"_nS2_per_Hz", 1.0, 1e18}},
       "psd_uS2_per_Hz"}};
  return all;
}

}  // namespace

Column column_of(const TableText& lines, std::size_t at) {
  const std::string_view name = lines.fields()[at];
  std::vector<std::string> known;
  for (const Quantity& quantity : quantities()) {
    known.emplace_back(quantity.example);
    if (quantity.suffixes.empty() && name == quantity.name) return {&quantity, 1.0, 1.0};
    for (const Quantity::Suffix& suffix : quantity.suffixes) {
      if (name == std::string(quantity.name) + std::string(suffix.text))
        return {&quantity, suffix.factor, suffix.divisor};
    }
    if (!quantity.suffixes.empty() && name == quantity.name) {
      lines.fail(at, "the column " + quoted(name) + " has no unit; write it behind the name, like " +
                         std::string(quantity.example));
    }
  }
  lines.fail(at, "the column " + quoted(name) + " is not known" + did_you_mean(name, known) +
                     "; remove columns that are of no use here");
}

double number_of(const TableText& lines, std::size_t at, const Column& column) {
  const Quantity& quantity = *column.quantity;
  const double number = lines.number(at, " in the column of " + std::string(quantity.name));
  const double value = number * column.factor / column.divisor;
  if (!quantity.range.contains(value)) {
    lines.fail(at, std::string(quantity.name) + " = " + format_quantity(value, quantity.unit) +
                       " is out of range: " + std::string(quantity.reason));
  }
  return value;
}

std::int64_t whole_of(const TableText& lines, std::size_t at, const Column& column) {
  const std::string_view field = lines.fields()[at];
  if (column.quantity->name == "direction") {
    if (field == "up" || field == "1" || field == "+1") return 1;
    if (field == "down" || field == "-1") return -1;
    lines.fail(at, quoted(field) + " is no direction; write up or down");
  }
  const double number = number_of(lines, at, column);
  if (number != std::floor(number) || number < 0.0 || number >= static_cast<double>(kLargestWhole)) {
    lines.fail(at, quoted(field) + " in the column of " + std::string(column.quantity->name) +
                       " must be a whole number from 0 on");
  }
  return static_cast<std::int64_t>(number);
}

}  // namespace mq
