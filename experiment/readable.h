/// Numbers as people read them, for tables, plots and reports; never for files that a program reads back.
///
/// Equal values give equal text under every locale. Values that are not finite read "n/a".
#pragma once

#include <cstdint>
#include <string>

namespace mq {

/// A time [s] in the largest unit that divides it: "25 s", "1 h", "1 day", "2 days", "1 month" (30 d), "1
/// year" (365 d); times below a second as "10 ms" or "5 µs".
std::string readable_time(double seconds);

/// A fraction as percent without its sign: 0.87914 with 2 decimals is "87.91".
std::string readable_percent(double fraction, int decimals = 2);

/// Digits in groups of three, set apart by `separator`: 1234567 is "1 234 567".
std::string readable_count(std::uint64_t count, const char* separator = " ");

/// At most `digits` significant digits, no trailing zeros: 0.25, 12.3, 4.2e-07.
std::string readable_number(double value, int digits = 4);

/// SI prefix that suits values up to `magnitude`, e.g. {1e6, "µ"} for 25e-6: a value times `factor` is in
/// prefixed units.
struct SiPrefix {
  double factor;
  std::string symbol;
};
SiPrefix si_prefix(double magnitude, const std::string& unit);

}  // namespace mq
