/// Keys that are set where they cannot act are refused; every key says where it acts, or acts everywhere.
#include <gtest/gtest.h>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/overrides.h"
#include "meltquench/experiment/run_config.h"
#include "meltquench/experiment/sections.h"
#include "meltquench/experiment/sweep_grid.h"
#include "meltquench/experiment/validity.h"

namespace mq {
namespace {

RunConfig run_of(const std::string& toml) { return RunConfig::from_value(parse_toml(toml, "run.toml")); }

std::string refusal(const std::string& toml) {
  try {
    run_of(toml);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

std::string sweep_refusal(const std::string& toml, std::vector<std::string> axes) {
  try {
    sweep_points(parse_toml(toml, "run.toml"), axes);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(IdleKeys, AreRefusedWithWhatTheyNeed) {
  for (const char* toml : {
           "faults.past_pulses = 1e9",
           "adc = { bits = 0, noise = 50.0 }",
           "adc.mismatch = 0.1",
           "adc.percentile = 99",
           "adc = { bits = 0, kind = \"sar\" }",
           "adc = { bits = 0, range = 1.0 }",
           "programming.margin = 0.1",
           "programming.iterations = 3",
           "programming.pulse.top = 2.0",
           "wires.tolerance = 1e-3",
           "wires.drive = \"double\"",
           "dac.scale = 3",
           "dac = { bits = 0, asymmetry = 0.1 }",
           "dac = { bits = 0, range = 1.0 }",
           "eval = { compensation = [\"none\"], response_reads = 2 }",
           "eval = { compensation = [\"affine\"], response = \"exact\" }",
           "train.momentum = 0.5",
           "train = { variants = [\"plain\"], weight_noise = 0.2 }",
           "model = { kind = \"lenet-5\", layers = [3] }",
           "data = { name = \"synthetic\", path = \"there\" }",
           "mapping.zero = \"reference-column\"",
           "current.access_saturation = \"1 uA\"",
           "current.sinh_voltage = \"1 V\"",
           "cell_noise.longest = \"1 day\"",
           "tile.pulse_time = \"1 ns\"",
           "device = \"sonos\"\ntemperature.profile = { x = [0.0], y = [310.0] }",
           "device = \"cmo-tight\"\ntemperature.profile = { x = [0.0], y = [310.0] }",
           "device = \"nandakumar-2018\"\ntemperature.profile = { x = [0.0], y = [310.0] }",
           "temperature.profile = { x = [0.0], y = [310.0] }",
           "device.drift_activation = \"0.3 eV\"",
           "device = \"ideal\"\ntile.write_time = \"1 s\"",
           "device.nu_mean.table = { x = [0, 1], y = [0, 1] }",
           "[[layer]]\nmatch = \"fc1\"\nadc.compression = 0.1",
       }) {
    EXPECT_NE(refusal(toml).find("cannot act here: it acts where"), std::string::npos)
        << toml << refusal(toml);
  }
}

TEST(IdleKeys, WithTheirDefaultsAreNone) {
  EXPECT_EQ(refusal("adc = { bits = 0, noise = 0.0, kind = \"uniform\" }\nfaults.past_pulses = 0"), "");
  for (const char* toml :
       {"device = \"sonos\"", "device = { preset = \"rram-milo\", read_noise_scale = 0 }",
        "adc.bits = 0\n[[layer]]\nmatch = \"fc3\"\nadc = { bits = 8, noise = 0.5 }",
        "device = { preset = \"pcm-like\", prog_noise_scale = 0, read_noise_scale = 0 }"}) {
    const RunConfig first = run_of(toml);
    const std::string resolved = to_toml(first.to_value());
    EXPECT_EQ(to_toml(run_of(resolved).to_value()), resolved) << toml;
  }
}

TEST(IdleKeys, OfALayerThatUsesThemActThere) {
  const RunConfig run = run_of("adc = { bits = 0, noise = 0.5 }\n[[layer]]\nmatch = \"fc3\"\nadc.bits = 8");
  EXPECT_EQ(run.hardware.for_layer("fc3").adc.noise, 0.5f);
  EXPECT_EQ(run.hardware.for_layer("fc1").adc.noise, 0.0f);
}

TEST(IdleKeys, OfASweepMustActAtSomePointOrWhereTheirAxisSetsThem) {
  EXPECT_NE(sweep_refusal("", {"faults.past_pulses=0,1e9"}).find("cannot act"), std::string::npos);
  EXPECT_NE(sweep_refusal("", {"adc={bits=0},{bits=0,noise=50}"}).find("cannot act"), std::string::npos);
  EXPECT_NE(sweep_refusal("", {"programming.method=one-shot,write-verify", "programming.margin=0.01,0.02"})
                .find("cannot act"),
            std::string::npos);
  EXPECT_NE(sweep_refusal("programming.margin = 0.1", {"adc.bits=0,8"}).find("cannot act"),
            std::string::npos);
  EXPECT_EQ(sweep_refusal("adc.noise = 0.5", {"adc.bits=0,8"}), "");
  const std::vector<std::string> axes = {"adc.bits=0,8"};
  const std::vector<SweepPoint> points = sweep_points(parse_toml("adc.noise = 0.5", "run.toml"), axes);
  EXPECT_EQ(points[0].config.hardware.everywhere().adc.noise, 0.0f);
  EXPECT_EQ(points[1].config.hardware.everywhere().adc.noise, 0.5f);
  EXPECT_EQ(points[0].idle, (std::vector<std::pair<std::string, std::string>>{{"adc.noise", "0.5"}}));
}

Value narrowed(const std::string& toml, const std::vector<std::string>& overrides) {
  Value config = parse_toml(toml, "run.toml");
  apply_overrides(config, overrides);
  return config;
}

TEST(IdleKeys, OfTheFileMayBecomeIdleByAnOverride) {
  const std::string plain = "train.variants=[\"plain\"]";
  const Value config = narrowed("train.weight_noise = 0.3", {plain});
  const std::vector<SweepPoint> points = sweep_points(config);
  ASSERT_EQ(points[0].notes.size(), 1u);
  EXPECT_EQ(points[0].notes[0],
            "train.weight_noise = 0.3 of the config does not act here, as overrides have it: it acts where "
            "train.variants has hardware-aware");
  EXPECT_EQ(points[0].key, sweep_points(narrowed("", {plain}))[0].key);
  EXPECT_EQ(RunConfig::from_value(config).key(), points[0].key);
  const std::vector<std::string> axes = {"eval.chips=1,2"};
  EXPECT_EQ(sweep_points(config, axes)[0].notes, points[0].notes);
}

TEST(IdleKeys, OfAnOverrideOrOfTheFileAloneAreRefusedBesideOverrides) {
  const std::string plain = "train.variants=[\"plain\"]";
  EXPECT_THROW(sweep_points(narrowed("", {plain, "train.weight_noise=0.3"})), ConfigError);
  EXPECT_THROW(sweep_points(narrowed("train.weight_noise = 0.2", {plain, "train.weight_noise=0.3"})),
               ConfigError);
  EXPECT_THROW(sweep_points(narrowed("faults.past_pulses = 1e9", {"eval.chips=1"})), ConfigError);
  EXPECT_THROW(RunConfig::from_value(narrowed("faults.past_pulses = 1e9", {"eval.chips=1"})), ConfigError);
}

TEST(IdleKeys, OfASweepKeepTheKeysOfPointsApart) {
  // [dac] is not swept, but dac.scaling acts only at the second and third point.
  const Value config = parse_toml("dac = { bits = 0, scaling = \"absmax\" }", "run.toml");
  const std::vector<std::string> axes = {"adc.bits=0,8,6"};
  const std::vector<SweepPoint> points = sweep_points(config, axes);
  for (const SweepPoint& point : points) EXPECT_EQ(point.key, point.config.key()) << point.label();
  EXPECT_EQ(points[0].config.hardware.everywhere().dac.scaling, InputScaling::none);
  EXPECT_NE(points[1].config.hardware.everywhere().dac.scaling, InputScaling::none);
}

TEST(IdleKeys, OfTheConfigMayBeIdleWhereATableOfAnAxisMakesThem) {
  EXPECT_EQ(sweep_refusal("adc.noise = 0.5", {"adc={bits=0},{bits=8}"}), "");
  EXPECT_NO_THROW(RunConfig::from_value(
      parse_toml("adc = { bits = 0, noise = 0.5 }\nsweep.adc.bits = [0, 8]", "run.toml")));
}

/// Keys that act whatever the others are.
TEST(IdleKeys, EveryKeyOfTheHardwareSaysWhereItActsOrActsAlways) {
  int with = 0, all = 0;
  for (const Section& section : sections()) {
    for (const auto& [name, info] : parameters(section)) {
      ++all;
      with += !info.where.empty();
    }
  }
  EXPECT_GT(with, all / 3);
  for (const auto& [name, info] : parameters(find_section("programming"))) {
    EXPECT_EQ(info.where.empty(), name == "method" || name == "devices") << name;
  }
  FieldInfo info;
  info.sentence = "Noise.", info.where = "adc.bits > 0";
  EXPECT_EQ(meaning(info), "Noise. Acts where adc.bits > 0.");
}

TEST(Validity, WarnsOfHeatAndOfTimesPastTheLastMeasurement) {
  const auto warnings = [](const std::string& toml) { return validity_warnings(run_of(toml), {"fc1"}); };
  const std::string hot =
      "device.activation.polynomial = [0.2, 0.0, 0.0, 0.0]\ntemperature.profile = "
      "{ x = [\"0 s\", \"1 h\"], y = [\"300 K\", \"380 K\"] }";
  ASSERT_EQ(warnings(hot).size(), 1u);
  EXPECT_NE(warnings(hot)[0].find("at 380 K 1 h after"), std::string::npos) << warnings(hot)[0];
  ASSERT_EQ(warnings("device = \"sonos\"").size(), 1u);
  EXPECT_NE(warnings("device = \"sonos\"")[0].find("measured until 5 day"), std::string::npos)
      << warnings("device = \"sonos\"")[0];
  EXPECT_TRUE(warnings("").empty());
  EXPECT_TRUE(warnings("device = \"sonos\"\neval.times = [\"1 day\"]").empty());
}

}  // namespace
}  // namespace mq
