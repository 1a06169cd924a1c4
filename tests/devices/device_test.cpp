#include "meltquench/devices/device.h"

#include <gtest/gtest.h>

#include <string>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

/// The message for the key `device` of a config, without the underlined place.
std::string message_of(const std::string& toml) {
  try {
    device_from_value(parse_toml(toml, "run.toml").at("device"), "device");
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }
  return "accepted";
}

TEST(Device, APresetIsNamedByItsText) {
  const DeviceParams params = device_from_value(Value("hermes-1"), "device");
  EXPECT_EQ(model_name(params), "pcm");
  EXPECT_FLOAT_EQ(g_max(params), 10.35_uS);
}

TEST(Device, ATableStartsFromAPresetOrAModel) {
  const auto from = [](const char* toml) {
    return device_from_value(parse_toml(toml, "run.toml").at("device"), "device");
  };
  const auto changed = std::get<Pcm::Params>(from("device = { preset = \"hermes-2\", t0 = \"60 s\" }"));
  EXPECT_EQ(changed.t0, 60.0f);
  EXPECT_FLOAT_EQ(changed.g_max, 20.7_uS);
  EXPECT_EQ(model_name(from("device = { model = \"ideal\" }")), "ideal");
  EXPECT_EQ(model_name(from("device = { preset = \"pcm-like\", model = \"pcm\" }")), "pcm");
}

TEST(Device, ThePresetPcmLikeIsTheDefaultOfItsModel) {
  const DeviceParams defaults = Pcm::Params{};
  EXPECT_EQ(device_to_value(device_from_preset("pcm-like"), Quantities::in_si),
            device_to_value(defaults, Quantities::in_si));
}

TEST(Device, EveryPresetIsValidAndSaysWhatItIs) {
  ASSERT_GE(presets().size(), 23u);
  std::string_view previous;
  for (const Preset& p : presets()) {
    EXPECT_LT(previous, p.name);
    previous = p.name;
    const DeviceParams params = device_from_preset(p.name);
    std::visit([&](const auto& fields) { EXPECT_NO_THROW(check_fields(fields, "device")); }, params);
    EXPECT_TRUE(preset_summary(p).ends_with('.')) << preset_summary(p);
    EXPECT_EQ(device_to_value(device_from_value(device_to_value(params), "device")), device_to_value(params));
  }
}

TEST(Device, MistakesAreSentences) {
  EXPECT_EQ(
      message_of("device = \"pcm-lik\""),
      "device: there is no device preset 'pcm-lik'; did you mean pcm-like?; `meltquench presets` lists them");
  EXPECT_EQ(message_of("device = { preset = \"hermes\" }"),
            "device.preset: there is no device preset 'hermes'; did you mean hermes-1?; `meltquench presets` "
            "lists them");
  EXPECT_EQ(
      message_of("device = { model = \"pmc\" }"),
      "device: there is no device model 'pmc'; did you mean pcm?; `meltquench describe` lists the models");
  EXPECT_EQ(message_of("device = 3"),
            "device must be the name of a preset, like \"pcm-like\", or a table, not an integer");
  EXPECT_EQ(message_of("device = { model = 3 }"), "device.model must be a name in quotes; found an integer");
  EXPECT_EQ(message_of("device = { preset = \"pcm-like\", gmax = \"30 uS\" }"),
            "device.gmax is unknown; did you mean device.g_max?");
  EXPECT_EQ(message_of("device = { preset = \"pcm-like\", g_max = 30 }"),
            "device.g_max = 30 S is out of range (must be in [1 nS, 1 mS]); did you mean 30 uS?");
  EXPECT_EQ(message_of("device = { preset = \"pcm-like\", g_max = \"30 us\" }"),
            "device.g_max = 30 us is not a conductance: expected a number with S, mS, uS, nS or pS (or a "
            "plain number in S)");
  EXPECT_EQ(message_of("device = { preset = \"pcm-like\", g_min = \"30 uS\" }"),
            "device: g_min must be below g_max");
  EXPECT_EQ(message_of("device = { nu_mean = { low = 1, high = 0.5 } }"),
            "device.nu_mean: low must not be above high");
  EXPECT_EQ(message_of("device = { nu_mean = { shape = \"linear\" } }"),
            "device.nu_mean.shape = \"linear\" is unknown (must be one of logarithmic, power and table)");
  EXPECT_EQ(message_of("device = { preset = \"ideal\", nu_mean_scale = 0 }"),
            "device.nu_mean_scale is unknown; known are g_min and g_max");
  EXPECT_EQ(message_of("device = { preset = \"ideal\", model = \"pcm\" }"),
            "device: the preset 'ideal' is of model 'ideal', not 'pcm'; leave out one of the two keys");
}

TEST(Device, AMistakeUnderlinesItsPlace) {
  try {
    device_from_value(parse_toml("device = \"hermes-3\"\n", "run.toml").at("device"), "device");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "device: there is no device preset 'hermes-3'; did you mean hermes-1?; `meltquench presets` "
                 "lists them\n"
                 " --> run.toml:1:10\n"
                 "  |\n"
                 "1 | device = \"hermes-3\"\n"
                 "  |          ^~~~~~~~~~");
  }
}

TEST(Device, OnlyPulsedModelsTakePulses) {
  EXPECT_FALSE(takes_pulses(Pcm::Params{}));
  EXPECT_FALSE(takes_pulses(Ideal::Params{}));
  EXPECT_TRUE(takes_pulses(device_from_preset("gokmen-vlasov")));
  EXPECT_THROW(mean_step(Ideal::Params{}), ConfigError);
  try {
    require_pulses(Ideal::Params{});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "the device model 'ideal' has no pulsed update: its cells can only be programmed; choose "
                 "device.model = 'constant-step', 'linear-step', 'soft-bounds', 'power-step', "
                 "'exponential-step', 'piecewise-step', 'lookup-step' or 'accumulative-pcm'");
  }
}

TEST(Device, UnknownModelsAreRefusedWhereverTheyAreNamed) {
  EXPECT_THROW(model_fields("flash"), ConfigError);
  EXPECT_THROW(model_summary("flash"), ConfigError);
  EXPECT_THROW(preset("flash"), ConfigError);
}

}  // namespace
}  // namespace mq
