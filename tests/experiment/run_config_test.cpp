#include "meltquench/experiment/run_config.h"

#include <gtest/gtest.h>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

RunConfig config_of(std::string_view toml) { return RunConfig::from_value(parse_toml(toml, "run.toml")); }

std::string message_of(std::string_view toml) {
  try {
    config_of(toml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

void expect_message(std::string_view toml, const std::vector<std::string>& parts) {
  const std::string message = message_of(toml);
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << part << "\n" << message;
}

TEST(RunConfig, IsTheSameAfterItWasWrittenOutResolved) {
  const RunConfig config = config_of(R"(
schema = 1
name = "x"
seed = 9
device = { preset = "hermes-1", g_max = "12 uS" }
[eval]
times = ["30 s", "1 month"]
[adc]
bits = 6
[[layer]]
match = "fc*"
adc.bits = 10
)");
  const std::string text = to_toml(config.to_value());
  const RunConfig again = config_of(text);
  EXPECT_EQ(to_toml(again.to_value()), text);
  EXPECT_EQ(again.key(), config.key());
  EXPECT_EQ(again.hardware.for_layer("fc1").adc.bits, 10);
  EXPECT_EQ(again.hardware.for_layer("conv1").adc.bits, 6);
  EXPECT_FLOAT_EQ(g_max(again.hardware.everywhere().device), 12e-6f);
  EXPECT_EQ(again.eval.times, (std::vector<double>{30.0, 2592000.0}));
}

TEST(RunConfig, HasAKeyThatCoversResultsAndNothingElse) {
  const RunConfig config = config_of("name = \"x\"");
  EXPECT_EQ(config.key(), config_of("name = \"x\"\n[eval]\nbatch_size = 1").key());
  EXPECT_NE(config.key(), config_of("name = \"x\"\nseed = 8").key());
  EXPECT_NE(config.key(), config_of("name = \"x\"\n[adc]\nbits = 7").key());
  EXPECT_EQ(config.training_key(), config_of("name = \"y\"\n[adc]\nbits = 7").training_key());
  EXPECT_NE(config.training_key(), config_of("name = \"x\"\n[train]\nepochs = 3").training_key());
}

TEST(RunConfig, NamesTheNearestKeyForAnUnknownOne) {
  expect_message("[adc]\nbit = 6\n", {"adc.bit", "bits", "run.toml:2"});
  expect_message("modle = 3\n", {"modle", "did you mean model?", "run.toml:1"});
  expect_message("[[layer]]\nmatch = \"fc1\"\nacd.bits = 3\n", {"layer.0.acd", "adc"});
}

TEST(RunConfig, RefusesWrongUnitsAndValuesOutOfRange) {
  expect_message("[device]\npreset = \"pcm-like\"\ng_max = \"25 uF\"\n", {"device.g_max", "S"});
  expect_message("[device]\npreset = \"pcm-like\"\ng_max = 25\n",
                 {"device.g_max = 25 S", "did you mean 25 uS?"});
  expect_message("[eval]\ntimes = [\"1 day\", \"1 h\"]\n", {"eval", "ascend"});
  expect_message("[eval]\nchips = 0\n", {"eval.chips"});
  expect_message("[adc]\nbits = 1\n", {"adc", "bits must be 0 or at least 2"});
}

TEST(RunConfig, RefusesWhatItCannotKnow) {
  expect_message("schema = 2\n", {"schema = 2", "schema = 1"});
  expect_message("device = \"pcm-lik\"\n", {"pcm-lik", "pcm-like"});
  expect_message("name = \"../up\"\n", {"../up", "folder"});
  expect_message("seed = -1\n", {"seed"});
}

}  // namespace
}  // namespace mq
