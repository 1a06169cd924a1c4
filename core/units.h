/// Units: literals for code (`25.0_uS` is 2.5e-5f) and text for people ("25 uS", "1 day", "3 %").
///
/// Every quantity in code is SI. A literal is evaluated by the compiler and is a float, as device parameters
/// are. month = 30 days, year = 365 days. "us", "µs" and "μs" are the same unit.
#pragma once

#include <string>
#include <string_view>

namespace mq {

enum class Unit {
  one,  ///< dimensionless; text may say "3 %"
  siemens,
  second,
  volt,
  ampere,
  ohm,
  joule,
  watt,
  kelvin,
  hertz,
  farad,
  meter,
  square_meter,
  electron_volt,  ///< energies of activation
};

/// "S", "s", "Ohm", ...; empty for `Unit::one`.
std::string_view symbol(Unit unit);
/// What the unit measures: "conductance", "time", ...; "dimensionless number" for `Unit::one`.
std::string_view quantity_name(Unit unit);

/// What `parse_quantity` accepts: "a number with S, mS, uS, nS or pS (or a plain number in S)".
std::string accepted_text(Unit unit);

/// The SI value of "25 uS", "25uS", "1 day" or of a plain SI number "2.5e-5", correctly rounded for decimal
/// prefixes. Throws ConfigError if the text is no finite number, has something behind it, or carries another
/// unit.
double parse_quantity(std::string_view text, Unit unit);

/// The text of a quantity as people write it: "25 uS", "1 day", "20 s", "0.05". `parse_quantity` gives back
/// exactly the same double (or, after rounding, the same float); `value` must be finite.
std::string format_quantity(double value, Unit unit);
std::string format_quantity(float value, Unit unit);

/// The shortest decimal number that reads back as the same double or float, e.g. "0.1", "1e-07"; never ends
/// in ".".
std::string format_number(double value);
std::string format_number(float value);

/// The double whose shortest text is that of the float: 2.5e-5 rather than 2.4999999368e-5. Rounds back to
/// `value`.
double shortest_double(float value);

inline namespace literals {

#define MQ_UNIT_LITERAL(suffix, multiply, divide)                                             \
  consteval float operator""_##suffix(long double value) {                                    \
    return static_cast<float>(value * (multiply##L) / (divide##L));                           \
  }                                                                                           \
  consteval float operator""_##suffix(unsigned long long value) {                             \
    return static_cast<float>(static_cast<long double>(value) * (multiply##L) / (divide##L)); \
  }

MQ_UNIT_LITERAL(S, 1.0, 1.0)
MQ_UNIT_LITERAL(mS, 1.0, 1e3)
MQ_UNIT_LITERAL(uS, 1.0, 1e6)
MQ_UNIT_LITERAL(nS, 1.0, 1e9)
MQ_UNIT_LITERAL(pS, 1.0, 1e12)

MQ_UNIT_LITERAL(s, 1.0, 1.0)
MQ_UNIT_LITERAL(ms, 1.0, 1e3)
MQ_UNIT_LITERAL(us, 1.0, 1e6)
MQ_UNIT_LITERAL(ns, 1.0, 1e9)
MQ_UNIT_LITERAL(ps, 1.0, 1e12)
MQ_UNIT_LITERAL(min, 60.0, 1.0)
MQ_UNIT_LITERAL(h, 3600.0, 1.0)
MQ_UNIT_LITERAL(day, 86400.0, 1.0)
MQ_UNIT_LITERAL(month, 2592000.0, 1.0)
MQ_UNIT_LITERAL(year, 31536000.0, 1.0)

MQ_UNIT_LITERAL(V, 1.0, 1.0)
MQ_UNIT_LITERAL(mV, 1.0, 1e3)
MQ_UNIT_LITERAL(uV, 1.0, 1e6)

MQ_UNIT_LITERAL(A, 1.0, 1.0)
MQ_UNIT_LITERAL(mA, 1.0, 1e3)
MQ_UNIT_LITERAL(uA, 1.0, 1e6)
MQ_UNIT_LITERAL(nA, 1.0, 1e9)
MQ_UNIT_LITERAL(pA, 1.0, 1e12)

MQ_UNIT_LITERAL(mOhm, 1.0, 1e3)
MQ_UNIT_LITERAL(Ohm, 1.0, 1.0)
MQ_UNIT_LITERAL(kOhm, 1e3, 1.0)
MQ_UNIT_LITERAL(MOhm, 1e6, 1.0)

MQ_UNIT_LITERAL(J, 1.0, 1.0)
MQ_UNIT_LITERAL(mJ, 1.0, 1e3)
MQ_UNIT_LITERAL(uJ, 1.0, 1e6)
MQ_UNIT_LITERAL(nJ, 1.0, 1e9)
MQ_UNIT_LITERAL(pJ, 1.0, 1e12)
MQ_UNIT_LITERAL(fJ, 1.0, 1e15)

MQ_UNIT_LITERAL(W, 1.0, 1.0)
MQ_UNIT_LITERAL(mW, 1.0, 1e3)
MQ_UNIT_LITERAL(uW, 1.0, 1e6)
MQ_UNIT_LITERAL(nW, 1.0, 1e9)

MQ_UNIT_LITERAL(K, 1.0, 1.0)

MQ_UNIT_LITERAL(Hz, 1.0, 1.0)
MQ_UNIT_LITERAL(kHz, 1e3, 1.0)
MQ_UNIT_LITERAL(MHz, 1e6, 1.0)
MQ_UNIT_LITERAL(GHz, 1e9, 1.0)

MQ_UNIT_LITERAL(pF, 1.0, 1e12)
MQ_UNIT_LITERAL(fF, 1.0, 1e15)

MQ_UNIT_LITERAL(mm, 1.0, 1e3)
MQ_UNIT_LITERAL(um, 1.0, 1e6)
MQ_UNIT_LITERAL(nm, 1.0, 1e9)
MQ_UNIT_LITERAL(mm2, 1.0, 1e6)
MQ_UNIT_LITERAL(um2, 1.0, 1e12)

MQ_UNIT_LITERAL(percent, 1.0, 1e2)

#undef MQ_UNIT_LITERAL

}  // namespace literals
}  // namespace mq
