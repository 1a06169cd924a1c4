#include "meltquench/core/value.h"

#include <gtest/gtest.h>

#include "meltquench/core/error.h"
#include "meltquench/core/nearest.h"

namespace mq {
namespace {

TEST(Value, SetMakesTheTablesOnAPath) {
  Value config = Value::table();
  config.set("device.noise.sigma", 0.5);
  config.set("device.g_max", "25 uS");
  EXPECT_EQ(config.at("device.noise.sigma").as_number(), 0.5);
  EXPECT_TRUE(config.contains("device.g_max"));
  EXPECT_FALSE(config.contains("device.g_min"));
  EXPECT_TRUE(config.find("device")->erase_key("g_max"));
  EXPECT_FALSE(config.contains("device.g_max"));
}

TEST(Value, TablesAreEqualInAnyOrderAndIntegersAreNotNumbers) {
  Value a = Value::table(), b = Value::table();
  a.set_key("x", 1), a.set_key("y", Value::Array{1, "t"});
  b.set_key("y", Value::Array{1, "t"}), b.set_key("x", 1);
  EXPECT_EQ(a, b);
  b.set_key("x", 1.0);
  EXPECT_FALSE(a == b);
}

TEST(Value, AWrongPathNamesTheNearestKey) {
  Value config = Value::table();
  config.set("device.g_max", 1);
  try {
    config.at("device.gmax.x");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "device.gmax is not there; did you mean g_max?");
  }
  EXPECT_THROW(config.at("device.g_max").as_text(), ConfigError);
  EXPECT_THROW(config.set("device.g_max.x", 1), ConfigError);
}

TEST(Value, UnderlinesAPartOfALongLineWithoutControlCharacters) {
  auto text = std::make_shared<SourceText>();
  text->name = "f";
  text->lines = {std::string(500, 'a') + "\x1b[31mBAD" + std::string(500, 'b')};
  const std::string shown = underlined({text, 1, 506, 3});
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
  EXPECT_LT(shown.size(), 300u);
  const std::size_t bad = shown.find("BAD"), mark = shown.find("^~~");
  const auto column = [&](std::size_t at) { return at - shown.rfind('\n', at); };
  EXPECT_EQ(column(bad), column(mark));
}

TEST(Nearest, FindsTyposAndNothingElse) {
  const std::vector<std::string> names{"g_max", "g_min", "prog_sigma", "nu"};
  EXPECT_EQ(nearest("gmax", names), "g_max");
  EXPECT_EQ(nearest("G_MAX", names), "g_max");
  EXPECT_EQ(nearest("g_mxa", names), "g_max");
  EXPECT_EQ(nearest("prog_simga", names), "prog_sigma");
  EXPECT_EQ(nearest("temperature", names), "");
  EXPECT_EQ(nearest(std::string(1000000, 'g'), names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(did_you_mean("gmax", names), "; did you mean g_max?");
  EXPECT_EQ(did_you_mean("zzz", names), "; known are g_max, g_min, prog_sigma and nu");
}

}  // namespace
}  // namespace mq
