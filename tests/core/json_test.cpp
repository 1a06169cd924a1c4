#include "meltquench/core/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "meltquench/core/error.h"

namespace mq {
namespace {

TEST(Json, WritesKeysInOrderAndNumbersInShortestForm) {
  Value value = Value::table();
  value.set_key("z", 1);
  value.set_key("a", Value::Array{0.1, 2.0, 1e-7, true, Value(), "q\"\n"});
  value.set_key("empty", Value::table());
  EXPECT_EQ(to_json(value), R"({"z":1,"a":[0.1,2.0,1e-07,true,null,"q\"\n"],"empty":{}})");
  EXPECT_EQ(to_json(value, 2).substr(0, 21), "{\n  \"z\": 1,\n  \"a\": [\n");
  EXPECT_EQ(parse_json(to_json(value)), value);
  EXPECT_EQ(parse_json(to_json(value, 2)), value);
}

TEST(Json, KeepsOrderWhenReading) {
  const std::string text = R"({"z":1,"a":{"y":2,"b":[]},"m":-3})";
  EXPECT_EQ(to_json(parse_json(text)), text);
}

TEST(Json, WhatJsonCannotHoldBecomesText) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(to_json(Value(Value::Array{kInf, -kInf, std::nan(""), "\xff ok"})),
            R"(["inf","-inf","nan"," ok"])");
}

TEST(Json, IntegersBeyond64BitsBecomeNumbers) {
  EXPECT_EQ(parse_json("9223372036854775807"), Value(std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(parse_json("18446744073709551615"), Value(18446744073709551615.0));
}

TEST(Json, RandomNumbersReadBackExactly) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    const double number = std::ldexp(static_cast<double>(random()), static_cast<int>(random() % 2000) - 1064);
    ASSERT_EQ(parse_json(to_json(Value(number))), Value(number));
  }
}

TEST(Json, ErrorsNameTheFileAndThePlace) {
  try {
    parse_json("{\"a\": 1,\n \"b\" 2}", "trials.jsonl line 7");
    FAIL();
  } catch (const DataError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.substr(0, 80),
              "trials.jsonl line 7 is not valid JSON: parse error at line 2, column 6: syntax e");
  }
  EXPECT_THROW(parse_json(""), DataError);
  EXPECT_THROW(parse_json("{} x"), DataError);
  try {
    parse_json(std::string(100000, '['));
    FAIL();
  } catch (const DataError& error) {
    EXPECT_STREQ(error.what(), "JSON text is not valid JSON: it is nested deeper than 64 levels");
  }
}

TEST(Json, DamagedTextIsReadOrRefused) {
  const std::string good = R"({"seed":7,"times":[25.0,3600.0],"device":{"name":"pcm","on":true,"x":null}})";
  std::mt19937_64 random(6);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    std::string text = good;
    for (int k = 0; k < 2; ++k) text[random() % text.size()] = static_cast<char>(random());
    if (random() % 3 == 0) text.resize(random() % text.size());
    try {
      const Value value = parse_json(text);
      ASSERT_EQ(to_json(parse_json(to_json(value))), to_json(value));
    } catch (const DataError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 2000);
}

}  // namespace
}  // namespace mq
