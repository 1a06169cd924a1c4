#include "meltquench/core/units.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "meltquench/core/error.h"

namespace mq {
namespace {

std::string message_of(std::string_view text, Unit unit) {
  try {
    parse_quantity(text, unit);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Units, LiteralsAreSiFloats) {
  static_assert(std::is_same_v<decltype(25.0_uS), float>);
  static_assert(25.0_uS == 25e-6f && 25_uS == 25e-6f && 250_ns == 250e-9f && 0.2_V == 0.2f);
  static_assert(1_day == 86400.0f && 1_month == 30 * 86400.0f && 1_year == 365 * 86400.0f &&
                3_percent == 0.03f);
  EXPECT_EQ(25.0_uS, static_cast<float>(parse_quantity("25 uS", Unit::siemens)));
  EXPECT_EQ(5_kOhm, static_cast<float>(parse_quantity("5 kOhm", Unit::ohm)));
}

TEST(Units, TextBecomesTheNearestDouble) {
  EXPECT_EQ(parse_quantity("25 uS", Unit::siemens), 25e-6);
  EXPECT_EQ(parse_quantity("25uS", Unit::siemens), 25e-6);
  EXPECT_EQ(parse_quantity("  25 \xC2\xB5S ", Unit::siemens), 25e-6);
  EXPECT_EQ(parse_quantity("2.5e1 \xCE\xBCS", Unit::siemens), 25e-6);
  EXPECT_EQ(parse_quantity("0.1 pS", Unit::siemens), 0.1e-12);
  EXPECT_EQ(parse_quantity("2.5e-5", Unit::siemens), 2.5e-5);
  EXPECT_EQ(parse_quantity("3 %", Unit::one), 0.03);
  EXPECT_EQ(parse_quantity("-0.5", Unit::one), -0.5);
  EXPECT_EQ(parse_quantity("+1.e+3", Unit::one), 1000);
  EXPECT_EQ(parse_quantity("2 kΩ", Unit::ohm), 2000);
  EXPECT_EQ(parse_quantity("0.09 mm2", Unit::square_meter), 0.09e-6);
}

TEST(Units, TimesKnowCalendarUnits) {
  EXPECT_EQ(parse_quantity("1 month", Unit::second), 30 * 86400.0);
  EXPECT_EQ(parse_quantity("1 year", Unit::second), 365 * 86400.0);
  EXPECT_EQ(parse_quantity("2 days", Unit::second), 2 * 86400.0);
  EXPECT_EQ(parse_quantity("1.5 h", Unit::second), 5400);
  EXPECT_EQ(parse_quantity("90 min", Unit::second), 5400);
  EXPECT_EQ(parse_quantity("250 ns", Unit::second), 250e-9);
}

TEST(Units, AWrongUnitIsNamedWithThoseThatFit) {
  EXPECT_EQ(
      message_of("25 uF", Unit::siemens),
      "25 uF is not a conductance: expected a number with S, mS, uS, nS or pS (or a plain number in S)");
  EXPECT_EQ(message_of("1 uS", Unit::one),
            "1 uS is not a dimensionless number: expected a plain number or one with %");
}

TEST(Units, WhatIsNoFiniteNumberIsRefused) {
  for (const char* text :
       {"",     " ", "nan", "inf", "-inf V", "1e999", "1e-999", "0x10",   "1,5", "1 V 2",
        "1 VV", "V", ".",   "+",   "-",      "e5",    "1e",     "1 e5 V", "--1", "1e99999999999999999999",
        "1 s"}) {
    EXPECT_NE(message_of(text, Unit::volt), "accepted") << text;
  }
  EXPECT_NE(message_of("1e308 year", Unit::second), "accepted");
}

TEST(Units, QuantitiesPrintAsPeopleWriteThem) {
  EXPECT_EQ(format_quantity(25.0_uS, Unit::siemens), "25 uS");
  EXPECT_EQ(format_quantity(25e-6, Unit::siemens), "25 uS");
  EXPECT_EQ(format_quantity(25.0, Unit::siemens), "25 S");
  EXPECT_EQ(format_quantity(0.0, Unit::siemens), "0 S");
  EXPECT_EQ(format_quantity(1e-9, Unit::siemens), "1 nS");
  EXPECT_EQ(format_quantity(5e-14, Unit::siemens), "0.05 pS");
  EXPECT_EQ(format_quantity(-0.25, Unit::volt), "-250 mV");
  EXPECT_EQ(format_quantity(20.0, Unit::second), "20 s");
  EXPECT_EQ(format_quantity(3600.0, Unit::second), "1 h");
  EXPECT_EQ(format_quantity(86400.0, Unit::second), "1 day");
  EXPECT_EQ(format_quantity(10 * 86400.0, Unit::second), "10 days");
  EXPECT_EQ(format_quantity(365 * 86400.0, Unit::second), "1 year");
  EXPECT_EQ(format_quantity(86400.5, Unit::second), "86400.5 s");
  EXPECT_EQ(format_quantity(2500.0, Unit::ohm), "2.5 kOhm");
  EXPECT_EQ(format_quantity(0.05f, Unit::one), "0.05");
  EXPECT_EQ(format_quantity(1e20, Unit::volt), "1e+20 V");
}

/// Every finite bit pattern of a float and a double in range comes back exactly: 20 000 random ones for each
/// unit.
TEST(Units, PrintedQuantitiesReadBackExactly) {
  std::mt19937_64 random(1);
  const auto check = [](auto value, Unit unit) {
    const std::string text = format_quantity(value, unit);
    ASSERT_EQ(static_cast<decltype(value)>(parse_quantity(text, unit)), value) << text;
  };
  for (int u = 0; u <= static_cast<int>(Unit::electron_volt); ++u) {
    const Unit unit = static_cast<Unit>(u);
    for (int i = 0; i < 20000; ++i) {
      const double wide = std::bit_cast<double>(random());
      if (std::isnormal(wide)) check(wide, unit);
      const float narrow = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (std::isfinite(narrow)) check(narrow, unit);
      check(static_cast<double>(random() % 100000000), unit);
      check(static_cast<double>(random() % 10000) / 1000 * 1e-6, unit);
    }
    check(std::numeric_limits<double>::max(), unit);
  }
}

TEST(Units, AFloatsShortestDoubleRoundsBackToIt) {
  EXPECT_EQ(shortest_double(25.0_uS), 25e-6);
  std::mt19937 random(2);
  for (int i = 0; i < 100000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    ASSERT_EQ(static_cast<float>(shortest_double(value)), value);
  }
}

}  // namespace
}  // namespace mq
