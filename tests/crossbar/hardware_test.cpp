#include "meltquench/crossbar/hardware.h"

#include "arrays.h"
#include "meltquench/core/config.h"

namespace mq {
namespace {

HardwareConfig config_of(const std::string& toml) {
  return HardwareConfig::from_value(parse_toml(toml, "run.toml"));
}

std::string message_for(const std::string& toml) {
  return message_of([&] { config_of(toml).check_rules({"fc1", "fc2", "conv1"}); });
}

TEST(Glob, StarsAndQuestionMarksMatch) {
  EXPECT_TRUE(matches_glob("fc1", "fc1"));
  EXPECT_TRUE(matches_glob("fc1", "fc*"));
  EXPECT_TRUE(matches_glob("fc1", "f?1"));
  EXPECT_TRUE(matches_glob("fc1", "*"));
  EXPECT_TRUE(matches_glob("", "*"));
  EXPECT_TRUE(matches_glob("block.3.conv", "block.*.conv"));
  EXPECT_TRUE(matches_glob("aXbXc", "a*b*c"));
  EXPECT_FALSE(matches_glob("fc1", "fc"));
  EXPECT_FALSE(matches_glob("fc", "fc?"));
  EXPECT_FALSE(matches_glob("conv1", "fc*"));
  EXPECT_FALSE(matches_glob("", "?"));
  EXPECT_FALSE(matches_glob(std::string(2000, 'a'), "*a*a*a*a*a*a*a*b"));  // in no time
}

TEST(Hardware, LaterRulesWinAndOthersKeepWhatHoldsEverywhere) {
  const HardwareConfig config = config_of(R"(
device = "hermes-1"
tile = { rows = 128 }
adc = { bits = 7 }
[[layer]]
match = "fc*"
adc.bits = 9
device.t0 = "50 s"
[[layer]]
match = "fc2"
adc.bits = 10
device = "pcm-like"
)");
  config.check_rules({"fc1", "fc2", "conv1"});
  const Hardware conv = config.for_layer("conv1"), first = config.for_layer("fc1"),
                 second = config.for_layer("fc2");
  EXPECT_EQ(conv.adc.bits, 7);
  EXPECT_EQ(conv.tile.rows, 128);
  EXPECT_EQ(conv.tile.columns, 256);
  EXPECT_EQ(first.adc.bits, 9);
  EXPECT_EQ(first.tile.rows, 128);
  EXPECT_EQ(std::get<Pcm::Params>(first.device).t0, 50.0f);
  EXPECT_FLOAT_EQ(g_max(first.device), 10.35_uS);
  EXPECT_EQ(second.adc.bits, 10);
  EXPECT_FLOAT_EQ(g_max(second.device), 25.0_uS);
}

TEST(Hardware, WritesWhatItReads) {
  const HardwareConfig config = config_of(R"(
device = { preset = "hermes-2", g_min = "1 uS" }
dac = { bits = 6, range = 0.5 }
tile = { output_noise = 0.04, read_noise = 0.0175 }
[[layer]]
match = "fc?"
adc.bits = 9
)");
  Value first = Value::table(), second = Value::table();
  config.write_to(first);
  const HardwareConfig copy = HardwareConfig::from_value(parse_toml(to_toml(first), "resolved.toml"));
  copy.write_to(second);
  EXPECT_EQ(second, first);
  EXPECT_EQ(copy.for_layer("fc1").adc.bits, 9);
  EXPECT_EQ(*copy.everywhere().dac.range, 0.5);
}

TEST(Hardware, MistakesAreSentences) {
  EXPECT_EQ(message_for("adc = { bits = 17 }"), "adc.bits = 17 is out of range (must be in [0, 16])");
  EXPECT_EQ(message_for("adc = { bits = 1 }"), "adc: bits must be 0 or at least 2: one bit is the sign");
  EXPECT_EQ(message_for("dac = { bits = 13 }"), "dac.bits = 13 is out of range (must be in [0, 12])");
  EXPECT_EQ(message_for("tile = { rows = 0 }"), "tile.rows = 0 is out of range (must be in [1, 65534])");
  EXPECT_EQ(message_for("tile = { row = 3 }"), "tile.row is unknown; did you mean tile.rows?");
  EXPECT_EQ(message_for("layer = 3"),
            "layer must be a list of rules, each written as [[layer]], not an integer");
  EXPECT_EQ(message_for("[[layer]]\nadc.bits = 6"),
            "layer.0 has no key 'match': say which layers it means, e.g. match = \"fc*\"");
  EXPECT_EQ(message_for("[[layer]]\nmatch = 3\nadc.bits = 6"),
            "layer.0.match must be a pattern in quotes, e.g. \"fc*\"; found an integer");
  EXPECT_EQ(message_for("[[layer]]\nmatch = \"fc*\"\nadcs.bits = 6"),
            "layer.0.adcs is not a hardware key; did you mean adc?");
  EXPECT_EQ(message_for("[[layer]]\nmatch = \"fc*\"\nadc.bits = 60"),
            "layer.0.adc.bits = 60 is out of range (must be in [0, 16])");
  EXPECT_EQ(message_for("[[layer]]\nmatch = \"fc*\"\nadc.bit = 6"),
            "layer.0.adc.bit is unknown; did you mean layer.0.adc.bits?");
  EXPECT_EQ(message_for("[[layer]]\nmatch = \"fc*\"\ndevice = \"hermes-9\""),
            "layer.0.device: there is no device preset 'hermes-9'; did you mean hermes-1?; `meltquench "
            "presets` lists them");
  EXPECT_EQ(message_for("[[layer]]\nmatch = \"cf1\"\nadc.bits = 6"),
            "the layer rule match = \"cf1\" matches no layer; did you mean fc1?");
}

TEST(Hardware, AKeyOfOneRuleHoldsForTheDeviceThatAnotherNames) {
  const std::string keys = "[[layer]]\nmatch = \"*\"\ndevice.t0 = \"50 s\"\n";
  const std::string device =
      "[[layer]]\nmatch = \"fc1\"\ndevice = { preset = \"hermes-2\", g_max = \"12 uS\" }\n";
  const std::string own = "[[layer]]\nmatch = \"fc1\"\ndevice = { preset = \"hermes-2\", t0 = \"40 s\" }\n";
  const auto of_fc1 = [](const std::string& toml) {
    return std::get<Pcm::Params>(config_of(toml).for_layer("fc1").device);
  };
  for (const std::string& toml : {device + keys, keys + device}) {
    EXPECT_EQ(of_fc1(toml).t0, 50.0f) << toml;
    EXPECT_EQ(of_fc1(toml).g_max, 12.0_uS) << toml;
    Value written = Value::table();
    config_of(toml).write_to(written);
    EXPECT_EQ(of_fc1(to_toml(written)).t0, 50.0f);
    EXPECT_EQ(of_fc1(to_toml(written)).g_max, 12.0_uS);
  }
  EXPECT_EQ(of_fc1(keys + own).t0, 40.0f);
  EXPECT_EQ(of_fc1(own + keys).t0, 50.0f);
}

TEST(Hardware, RulesWriteEachValueInOneSpelling) {
  const auto written = [](const std::string& device) {
    Value table = Value::table();
    config_of("[[layer]]\nmatch = \"*\"\ndevice = " + device).write_to(table);
    return to_toml_value(table.at("layer.0.device"));
  };
  EXPECT_EQ(written("{ g_max = \"25uS\" }"), written("{ g_max = 25e-6 }"));
  EXPECT_EQ(written("{ preset = \"hermes-1\" }"), written("\"hermes-1\""));
}

}  // namespace
}  // namespace mq
