#include "meltquench/core/config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/overrides.h"

namespace mq {
namespace {

constexpr const char* kExample = R"(# a comment
name = "first"
seed = 7

[device]
preset = "pcm-like"
g_max = "25 uS"   # largest
times = [25, 3_600.0, 8.64e4,
         +1]

[eval.noise]
on = true
mask = 0xff

[[layer]]
match = "fc*"
adc.bits = 6
[[layer]]
match = "conv"
table = { x = [0, 1], y = [1.5, inf] }
)";

std::string message_of(std::string_view text) {
  try {
    parse_toml(text, "run.toml");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Toml, KeepsValuesKindsAndOrder) {
  const Value config = parse_toml(kExample, "run.toml");
  EXPECT_EQ(config.at("name").as_text(), "first");
  EXPECT_EQ(config.at("device.times"), Value(Value::Array{25, 3600.0, 86400.0, 1}));
  EXPECT_EQ(config.at("eval.noise.mask").as_integer(), 255);
  EXPECT_EQ(config.at("layer.0.adc.bits").as_integer(), 6);
  EXPECT_TRUE(std::isinf(config.at("layer.1.table.y.1").as_number()));
  std::string order;
  for (const Value::Entry& entry : config.as_table()) order += entry.key + " ";
  EXPECT_EQ(order, "name seed device eval layer ");
}

TEST(Toml, ValuesAndKeysRememberWhereTheyStood) {
  const Value config = parse_toml(kExample, "run.toml");
  const Source& source = config.at("device.g_max").source();
  EXPECT_EQ(source.text->name, "run.toml");
  EXPECT_EQ(source.line, 7);
  EXPECT_EQ(source.column, 9);
  EXPECT_EQ(source.length, 7);
  const Source& key = config.at("device").as_table().at(1).key_source;
  EXPECT_EQ(std::tuple(key.line, key.column, key.length), std::tuple(7, 1, 5));
  const Source& header = config.as_table().at(2).key_source;
  EXPECT_EQ(std::tuple(header.line, header.column, header.length), std::tuple(5, 2, 6));
}

TEST(Toml, ALineIsUnderlinedBelowTabsAndUnicode) {
  const Value config = parse_toml("\tx = { n = \"Ω\", g = 2 }", "f");
  EXPECT_EQ(underlined(config.at("x.g").source()),
            "\n --> f:1:22\n  |\n1 | \tx = { n = \"Ω\", g = 2 }\n  | \t                   ^");
  EXPECT_EQ(underlined(config.at("x.n").source()),
            "\n --> f:1:12\n  |\n1 | \tx = { n = \"Ω\", g = 2 }\n  | \t          ^~~");
}

TEST(Toml, SyntaxErrorsShowThePlaceAndTheWayOut) {
  EXPECT_EQ(message_of("a = 1\ng_max = 25 uS\n"),
            "the value ends before this; put text and quantities with a unit in quotes, as in \"25 uS\"\n"
            " --> run.toml:2:12\n"
            "  |\n"
            "2 | g_max = 25 uS\n"
            "  |            ^");
  EXPECT_EQ(message_of("a = 1\nb = 2\na = 3\n"),
            "this is defined twice; keep one of the two\n"
            " --> run.toml:3:5\n"
            "  |\n"
            "3 | a = 3\n"
            "  |     ^");
  EXPECT_EQ(message_of("[tile]\nx = 1\n[tile]\n"),
            "this is defined twice; keep one of the two\n"
            " --> run.toml:3:1\n"
            "  |\n"
            "3 | [tile]\n"
            "  | ^~~~~~");
  EXPECT_EQ(message_of("device = hermes-1\n"),
            "this is no value; put text in quotes\n"
            " --> run.toml:1:10\n"
            "  |\n"
            "1 | device = hermes-1\n"
            "  |          ^");
  EXPECT_EQ(message_of("a = \"b\nc = 1"),
            "this text is not closed or has an unknown \\ escape\n"
            " --> run.toml:1:5\n"
            "  |\n"
            "1 | a = \"b\n"
            "  |     ^");
  EXPECT_EQ(message_of("a =\n").substr(0, 30), "missing value after key-value ");
  EXPECT_EQ(message_of("näme = 1"),
            "this is no valid key (letters, digits, _ and -, or in quotes; a table is [name])\n"
            " --> run.toml:1:2\n"
            "  |\n"
            "1 | näme = 1\n"
            "  |  ^");
  EXPECT_NE(message_of("a = [1, 2\nb = 3").find("run.toml:2:1"), std::string::npos);
}

TEST(Toml, NothingIsClippedOrGuessed) {
  EXPECT_EQ(message_of("a = 9223372036854775807"), "accepted");
  EXPECT_EQ(message_of("a = -9223372036854775808"), "accepted");
  EXPECT_EQ(message_of("a = 9223372036854775808").substr(0, 48),
            "the integer is too large (must fit into 64 bits ");
  EXPECT_EQ(message_of("a = [0, 0xFFFFFFFFFFFFFFFF]").substr(0, 24), "the integer is too large");
  EXPECT_EQ(message_of("a = 1e999").substr(0, 23), "the number is too large");
  EXPECT_EQ(message_of("a = [1.0, 1e-999]").substr(0, 23), "the number is too large");
  EXPECT_EQ(parse_toml("a = +1_0.5e-1_0", "f").at("a"), Value(10.5e-10));
  EXPECT_EQ(message_of("a = 2020-01-02").substr(0, 41), "dates and times of day mean nothing here;");
}

TEST(Toml, HostileTextIsRefusedNotFollowed) {
  EXPECT_EQ(message_of("a = " + std::string(100000, '[')).substr(0, 38),
            "run.toml is too long for a config: 100");
  EXPECT_EQ(message_of("a = " + std::string(10000, '[')).substr(0, 38),
            "this is nested deeper than 32 levels\n ");
  std::string dotted = "a";
  for (int i = 0; i < 5000; ++i) dotted += ".a";
  EXPECT_EQ(message_of(dotted + " = 1").substr(0, 37), "this is nested deeper than 32 levels\n");
  EXPECT_EQ(message_of("[" + dotted + "]").substr(0, 37), "this is nested deeper than 32 levels\n");
  EXPECT_EQ(message_of("text = \"" + std::string(1000, '[') + "\" # " + std::string(1000, '{')), "accepted");
}

TEST(Toml, AMissingFileIsAMissingError) {
  try {
    load_toml("no/such.toml");
    FAIL();
  } catch (const MissingError& error) {
    EXPECT_STREQ(error.what(), "no/such.toml is not there; check the path");
  }
}

TEST(Toml, WritingAndReadingIsAFixedPoint) {
  const Value config = parse_toml(kExample, "run.toml");
  const std::string text = to_toml(config);
  const Value again = parse_toml(text, "again");
  EXPECT_EQ(again, config);
  EXPECT_EQ(to_toml(again), text);
}

Value random_value(std::mt19937_64& random, int depth) {
  const auto text = [&] {
    std::string result;
    constexpr std::string_view kLetters = "ab.\"\\\n\t #=[]\x01\x7f-_";
    for (int i = static_cast<int>(random() % 6); i > 0; --i) result += kLetters[random() % kLetters.size()];
    return random() % 5 == 0 ? result + "Ω" : result;
  };
  switch (random() % (depth > 0 ? 7 : 4)) {
    case 0:
      return Value(random() % 2 == 0);
    case 1:
      return Value(static_cast<std::int64_t>(random()));
    case 2:
      return Value(
          std::ldexp(static_cast<double>(random() % 100000) - 5e4, static_cast<int>(random() % 200) - 99));
    case 3:
      return Value(text());
    case 4: {
      Value::Array array(random() % 4);
      for (Value& element : array) element = random_value(random, depth - 1);
      return Value(std::move(array));
    }
    default: {
      Value table = Value::table();
      for (int i = static_cast<int>(random() % 5); i > 0; --i)
        table.set_key(text(), random_value(random, depth - 1));
      return table;
    }
  }
}

/// 2000 random tables, four levels deep, with odd keys and texts.
TEST(Toml, RandomTablesSurviveWritingAndReading) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    Value table = Value::table();
    for (int k = 0; k < 4; ++k)
      table.set_key(std::string(1, static_cast<char>('a' + k)), random_value(random, 3));
    const std::string text = to_toml(table);
    const Value again = parse_toml(text, "random");
    ASSERT_EQ(again, table) << text;
    ASSERT_EQ(to_toml(again), text);
  }
}

/// 6000 texts with 1 to 8 bytes changed, cut out or doubled: each is read or refused with an mq::Error.
TEST(Toml, DamagedTextIsReadOrRefused) {
  std::mt19937_64 random(4);
  int refused = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string text = kExample;
    for (int k = static_cast<int>(random() % 8); k >= 0; --k) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = static_cast<char>(random());
          break;
        case 1:
          text.erase(at, random() % 5);
          break;
        case 2:
          text.insert(at, text.substr(random() % text.size(), random() % 9));
          break;
        default:
          text[at] = "[]{}\"'=.#\n\\0e"[random() % 13];
          break;
      }
      if (text.empty()) text = "a";
    }
    try {
      const std::string once = to_toml(parse_toml(text, "damaged"));
      ASSERT_EQ(to_toml(parse_toml(once, "again")), once) << text;
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST(Override, ReadsTomlAndPlainText) {
  Value config = parse_toml(kExample, "run.toml");
  apply_override(config, "adc.bits=6");
  apply_override(config, "device.g_max = 30uS");
  apply_override(config, "eval.noise.on=false");
  apply_override(config, "device.times=[1, 2.5]");
  apply_override(config, "name=\"with = sign\"");
  apply_override(config, "layer.1.match=*");
  apply_override(config, "empty=");
  apply_override(config, "date=2024-01-01");
  EXPECT_EQ(config.at("adc.bits"), Value(6));
  EXPECT_EQ(config.at("device.g_max"), Value("30uS"));
  EXPECT_EQ(config.at("eval.noise.on"), Value(false));
  EXPECT_EQ(config.at("device.times"), Value(Value::Array{1, 2.5}));
  EXPECT_EQ(config.at("name"), Value("with = sign"));
  EXPECT_EQ(config.at("layer.1.match"), Value("*"));
  EXPECT_EQ(config.at("empty"), Value(""));
  EXPECT_EQ(config.at("date"), Value("2024-01-01"));
}

TEST(Override, AKeyOfAPresetTurnsItsNameIntoATable) {
  Value config = parse_toml("device = \"pcm-like\"", "run.toml");
  apply_override(config, "device=hermes-1");
  EXPECT_EQ(config.at("device"), Value("hermes-1"));
  apply_override(config, "device.g_max=30uS");
  EXPECT_EQ(to_toml(config), "[device]\npreset = \"hermes-1\"\ng_max = \"30uS\"\n");
}

TEST(Override, MistakesShowTheOption) {
  const auto message = [](std::string_view text) -> std::string {
    Value config = parse_toml("seed = 7", "run.toml");
    try {
      apply_override(config, text);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message("adc.bits"), "--set adc.bits is not key=value; write for example --set adc.bits=6");
  EXPECT_EQ(message("=3").substr(0, 26), "--set =3 is not key=value;");
  EXPECT_EQ(message("a..b=3").substr(0, 30), "--set a..b=3 is not key=value;");
  EXPECT_EQ(
      message("times=[1, 2"),
      "--set times: this is no valid TOML value\n --> --set:1:7\n  |\n1 | times=[1, 2\n  |       ^~~~~");
  EXPECT_EQ(message("seed.x=1"),
            "seed.x cannot be set: an integer stands where a table is due\n --> --set:1:8\n  |\n1 | "
            "seed.x=1\n  |        ^");
}

TEST(Override, ItsValuesRememberTheOption) {
  Value config = Value::table();
  apply_override(config, "g = [10, 20]");
  EXPECT_EQ(underlined(config.at("g.1").source()),
            "\n --> --set:1:10\n  |\n1 | g = [10, 20]\n  |          ^~");
}

}  // namespace
}  // namespace mq
