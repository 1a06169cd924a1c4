#include "meltquench/experiment/sweep_grid.h"

#include <gtest/gtest.h>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

using Texts = std::vector<std::string>;

std::string message_of(std::string_view text) {
  try {
    sweep_values(text, "adc.bits");
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

TEST(SweepValues, ListsWhatIsWritten) {
  EXPECT_EQ(sweep_values("4,6, 8", "k"), (Texts{"4", "6", "8"}));
  EXPECT_EQ(sweep_values("range(4, 10, 2)", "k"), (Texts{"4", "6", "8"}));
  EXPECT_EQ(sweep_values("range(2, 4)", "k"), (Texts{"2", "3"}));
  EXPECT_EQ(sweep_values("lin(0, 1, 5)", "k"), (Texts{"0", "0.25", "0.5", "0.75", "1"}));
  EXPECT_EQ(sweep_values("log(1, 1000, 4)", "k"), (Texts{"1", "10", "100", "1000"}));
  EXPECT_EQ(sweep_values("lin(10 uS, 30 uS, 3)", "k"), (Texts{"10 uS", "20 uS", "30 uS"}));
  EXPECT_EQ(sweep_values("[1, 2],[3]", "k"), (Texts{"[1, 2]", "[3]"}));
}

TEST(SweepValues, SaysWhatIsWrongWithAList) {
  EXPECT_NE(message_of("4,,8").find("empty value"), std::string::npos);
  EXPECT_NE(message_of("lin(1, 2)").find("(first, last, count)"), std::string::npos);
  EXPECT_NE(message_of("log(0, 2, 3)").find("positive"), std::string::npos);
  EXPECT_NE(message_of("range(0, 9, 0)").find("step"), std::string::npos);
  EXPECT_NE(message_of("lin(a, 2, 3)").find("'a'"), std::string::npos);
  EXPECT_NE(message_of("lin(1, 2, 3").find("lacks its ')'"), std::string::npos);
}

TEST(SweepPoints, AreAllCombinationsWithTheLastKeyFastest) {
  const Value config =
      parse_toml("name = \"s\"\n[sweep]\n\"adc.bits\" = [4, 6]\ntile.rows = \"128,256\"\n", "s.toml");
  const std::vector<SweepPoint> points = sweep_points(config);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[1].label(), "adc.bits=4, tile.rows=256");
  EXPECT_EQ(points[2].config.hardware.everywhere().adc.bits, 6);
  EXPECT_EQ(points[2].config.hardware.everywhere().tile.rows, 128);
  EXPECT_EQ(sweep_points(parse_toml("name = \"s\"", "s.toml")).size(), 1u);
}

TEST(SweepPoints, TakeAxesFromTheCommandLineBeforeThoseOfTheFile) {
  const Value config = parse_toml("[sweep]\n\"adc.bits\" = [4, 6]\n", "s.toml");
  const std::vector<SweepPoint> points =
      sweep_points(config, Texts{"adc.bits=5", "device=pcm-like,hermes-1"});
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1].label(), "adc.bits=5, device=hermes-1");
  EXPECT_NEAR(g_max(points[1].config.hardware.everywhere().device), 10.35e-6f, 1e-10f);
}

TEST(SweepPoints, RefuseAPointThatIsNoConfigAndTooManyPoints) {
  const Value config = parse_toml("name = \"s\"", "s.toml");
  EXPECT_THROW(sweep_points(config, Texts{"adc.bits=4,99"}), ConfigError);
  EXPECT_THROW(sweep_points(config, Texts{"seed=range(0, 100000)", "eval.first_chip=0,1"}), ConfigError);
  EXPECT_THROW(sweep_points(config, Texts{"adc.bits"}), ConfigError);
}

}  // namespace
}  // namespace mq
