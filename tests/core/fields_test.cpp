#include "meltquench/core/fields.h"

#include <gtest/gtest.h>

#include <cmath>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

enum class Rounding { nearest, floor };
constexpr auto names(Rounding) { return std::array<std::string_view, 2>{"nearest", "floor"}; }

enum class Solver { fast = 3, exact = 7 };
constexpr auto names(Solver) {
  return std::array<std::pair<std::string_view, Solver>, 2>{
      {{"fast", Solver::fast}, {"exact", Solver::exact}}};
}

struct Converter {
  int bits = 8;
  Rounding rounding = Rounding::nearest;
  static constexpr auto describe() {
    return fields(field("bits", &Converter::bits, between(1, 16), "Resolution."),
                  field("rounding", &Converter::rounding, "How codes are rounded."));
  }
};

/// A type that reads and writes itself, as a variant of device parameters does.
struct Opaque {
  std::string text = "as it was";
};
Value field_to_value(const Opaque& opaque, Quantities) { return Value(opaque.text); }
void field_from_value(Opaque& opaque, const Value& value, std::string_view) { opaque.text = value.as_text(); }
void describe_field(const Opaque&, FieldInfo& info) { info.kind = FieldKind::text; }

std::string check_glob(const std::string& text) { return text.find('/') == text.npos ? "" : "holds a slash"; }

struct Device {
  float g_min = 0.0f;
  float g_max = 25.0_uS;
  double age = 86400;
  std::int64_t pulses = 0;
  std::uint64_t seed = 1;
  bool drifts = true;
  Solver solver = Solver::exact;
  std::string kind = "pcm";
  std::string match = "*";
  std::array<float, 2> levels{1.0_uS, 2.0_uS};
  std::vector<double> times{25, 3600};
  std::vector<std::string> tags;
  std::vector<bool> flags{true, false};
  std::optional<double> v_read = 0.2;
  PiecewiseTable curve{2, {0.0f, 1.0f}, {0.0f, 5.0_uS}};
  Converter adc;
  std::vector<Converter> layers{{}};
  Opaque opaque;

  std::string problem() const { return g_min < g_max ? "" : "g_min must be below g_max"; }

  static constexpr auto describe() {
    using enum Unit;
    return fields(
        field("g_min", &Device::g_min, siemens, between(0, 1e-3), "Smallest conductance."),
        field("g_max", &Device::g_max, siemens, between(1e-9, 1e-3), "Largest conductance."),
        field("age", &Device::age, second, positive, "Age."),
        field("pulses", &Device::pulses, at_least(0), "Pulses so far."),
        field("seed", &Device::seed, "Seed."), field("drifts", &Device::drifts, "Whether it drifts."),
        field("solver", &Device::solver, "Which solver."),
        field("kind", &Device::kind, one_of("pcm", "ideal"), "Kind."),
        field("match", &Device::match, &check_glob, "Layers."),
        field("levels", &Device::levels, siemens, non_negative, "Two levels."),
        field("times", &Device::times, second, non_negative, "Times."), field("tags", &Device::tags, "Tags."),
        field("flags", &Device::flags, "Flags."),
        field("v_read", &Device::v_read, volt, non_negative, "Read voltage."),
        field("curve", &Device::curve, second, siemens, "A curve."), field("adc", &Device::adc, "Converter."),
        field("layers", &Device::layers, "Layers."), field("opaque", &Device::opaque, "Reads itself."));
  }
};

/// The message for one line of TOML in the table [device], without the underlined place.
std::string message_of(const std::string& line) {
  Device device;
  try {
    from_value(device, parse_toml(line, "run.toml"), "device");
  } catch (const ConfigError& error) {
    const std::string text = error.what();
    return text.substr(0, text.find('\n'));
  }
  return "accepted";
}

TEST(Fields, DefaultsAppearInOrderAndWithUnits) {
  EXPECT_EQ(to_toml(to_value(Device{})), R"(g_min = "0 S"
g_max = "25 uS"
age = "1 day"
pulses = 0
seed = 1
drifts = true
solver = "exact"
kind = "pcm"
match = "*"
levels = ["1 uS", "2 uS"]
times = ["25 s", "1 h"]
tags = []
flags = [true, false]
v_read = "200 mV"
opaque = "as it was"

[curve]
x = ["0 s", "1 s"]
y = ["0 S", "5 uS"]

[adc]
bits = 8
rounding = "nearest"

[[layers]]
bits = 8
rounding = "nearest"
)");
}

TEST(Fields, EveryKindSurvivesTextAndBack) {
  Device device;
  device.g_max = 12.3456789_uS;
  device.age = 1e6 / 3;
  device.seed = 18446744073709551615u;
  device.drifts = false;
  device.solver = Solver::fast;
  device.levels = {0.1_uS, 0.7_uS};
  device.times = {};
  device.tags = {"a \"b\"", ""};
  device.v_read.reset();
  device.curve = {3, {-1, 0.1f, 7}, {1.0_nS, 2.0_nS, 0}};
  device.adc = {.bits = 3, .rounding = Rounding::floor};
  device.layers = {};
  device.opaque.text = "changed";
  for (Quantities quantities : {Quantities::with_units, Quantities::in_si}) {
    const Value value = to_value(device, quantities);
    Device copy;
    from_value(copy, value, "device");
    EXPECT_EQ(to_value(copy, quantities), value);
    EXPECT_EQ(copy.g_max, device.g_max);
    EXPECT_EQ(copy.age, device.age);
    EXPECT_EQ(copy.seed, device.seed);
    EXPECT_FALSE(copy.v_read.has_value());
    EXPECT_EQ(copy.curve, device.curve);
    EXPECT_EQ(copy.opaque.text, "changed");
  }
  EXPECT_EQ(*to_value(device, Quantities::in_si).find("levels"), Value(Value::Array{1e-7, 7e-7}));
}

TEST(Fields, MissingKeysKeepTheirValue) {
  Device device;
  device.age = 5;
  from_value(device, parse_toml("g_max = 3e-5\nadc = { bits = 4 }", "f"), "");
  EXPECT_EQ(device.g_max, 30.0_uS);
  EXPECT_EQ(device.age, 5);
  EXPECT_EQ(device.adc.bits, 4);
  EXPECT_EQ(device.adc.rounding, Rounding::nearest);
}

TEST(Fields, AForgottenPrefixIsSuggested) {
  const std::string expected =
      "device.g_max = 25 S is out of range (must be in [1 nS, 1 mS]); did you mean 25 uS?";
  EXPECT_EQ(message_of("g_max = 25"), expected);
  EXPECT_EQ(message_of("g_max = \"25 S\""), expected);
  EXPECT_EQ(message_of("g_max = \"3 S\""),
            "device.g_max = 3 S is out of range (must be in [1 nS, 1 mS]); did you mean 3 uS?");
}

TEST(Fields, EachMistakeHasItsSentence) {
  EXPECT_EQ(message_of("g_max = 0"), "device.g_max = 0 S is out of range (must be in [1 nS, 1 mS])");
  EXPECT_EQ(message_of("age = 0"), "device.age = 0 s is out of range (must be greater than 0 s)");
  EXPECT_EQ(message_of("pulses = -1"), "device.pulses = -1 is out of range (must be at least 0)");
  EXPECT_EQ(
      message_of("g_max = \"25 uF\""),
      "device.g_max = 25 uF is not a conductance: expected a number with S, mS, uS, nS or pS (or a plain "
      "number in S)");
  EXPECT_EQ(message_of("g_max = nan"), "device.g_max = nan is not a finite number");
  EXPECT_EQ(message_of("g_max = true"),
            "device.g_max must be a conductance: a number with S, mS, uS, nS or pS (or a plain number in S); "
            "found a "
            "boolean");
  EXPECT_EQ(message_of("gmax = 1"), "device.gmax is unknown; did you mean device.g_max?");
  EXPECT_EQ(message_of("adc = { bit = 1 }"), "device.adc.bit is unknown; did you mean device.adc.bits?");
  EXPECT_EQ(message_of("adc = { zzz = 1 }"), "device.adc.zzz is unknown; known are bits and rounding");
  EXPECT_EQ(message_of("adc = 3"), "device.adc must be a table; found an integer");
  EXPECT_EQ(message_of("adc = { bits = 60 }"), "device.adc.bits = 60 is out of range (must be in [1, 16])");
  EXPECT_EQ(message_of("adc = { bits = 2.5 }"), "device.adc.bits must be an integer; found 2.5");
  EXPECT_EQ(message_of("seed = -1"), "device.seed = -1 is out of range (must be at least 0)");
  EXPECT_EQ(message_of("drifts = 1"), "device.drifts must be true or false; found an integer");
  EXPECT_EQ(message_of("solver = \"exat\""),
            "device.solver = \"exat\" is unknown (must be one of fast and exact); did you mean exact?");
  EXPECT_EQ(message_of("kind = \"rram\""),
            "device.kind = \"rram\" is unknown (must be one of pcm and ideal)");
  EXPECT_EQ(message_of("match = \"a/b\""), "device.match = \"a/b\" holds a slash");
  EXPECT_EQ(message_of("levels = [1e-6]"), "device.levels has 1 elements (must have 2)");
  EXPECT_EQ(message_of("times = [1, -1]"), "device.times[1] = -1 s is out of range (must be at least 0 s)");
  EXPECT_EQ(message_of("times = 3"), "device.times must be a list, [...]; found an integer");
  EXPECT_EQ(message_of("curve = { x = [0, 1], y = [1] }"),
            "device.curve has 2 values of x and 1 of y (must be as many of both, 1 to 16)");
  EXPECT_EQ(message_of("curve = { x = [1, 1], y = [1, 2] }"),
            "device.curve.x[1] = 1 s is not greater than the value before it (x must increase)");
  EXPECT_EQ(message_of("curve = { x = [1] }"), "device.curve must have both x and y");
  EXPECT_EQ(message_of("g_min = \"30 uS\""), "device: g_min must be below g_max");
  EXPECT_EQ(message_of("[[layers]]\nbits = 4\n[[layers]]\nbits = 0"),
            "device.layers[1].bits = 0 is out of range (must be in [1, 16])");
  EXPECT_EQ(
      message_of("[curve]\nx = [1e300]\ny = [0]"),
      "device.curve.x[0] = 1e+300 s is too large for single precision (must be 0 or in [1e-45, 3.4e+38] s)");
}

TEST(Fields, AMistakeUnderlinesItsPlaceAndLeavesTheObjectAlone) {
  Device device;
  try {
    from_value(device, parse_toml("age = 3\ng_max = 25  # too much\n", "run.toml"), "device");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(),
                 "device.g_max = 25 S is out of range (must be in [1 nS, 1 mS]); did you mean 25 uS?\n"
                 " --> run.toml:2:9\n"
                 "  |\n"
                 "2 | g_max = 25  # too much\n"
                 "  |         ^~");
  }
  EXPECT_EQ(device.age, 86400);
}

TEST(Fields, AFloatAtTheEdgeOfARangeBelongsToIt) {
  Device device;
  device.g_max = 1e-3f;  // a little above 1e-3 as a double
  check_fields(device, "device");
  EXPECT_EQ(message_of("g_max = 0.0010000000474974513"), "accepted");
  EXPECT_NE(message_of("g_max = 0.0010001"), "accepted");
}

TEST(Fields, ObjectsFilledByCodeAreChecked) {
  Device device;
  device.g_max = NAN;
  EXPECT_THROW(check_fields(device, "device"), ConfigError);
  device.g_max = -1;
  try {
    check_fields(device, "device");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "device.g_max = -1 S is out of range (must be in [1 nS, 1 mS])");
  }
}

TEST(Fields, InfosSayWhatDocumentationNeeds) {
  const std::vector<FieldInfo> infos = field_infos<Device>();
  ASSERT_EQ(infos.size(), 18u);
  const auto find = [&](std::string_view name) {
    for (const FieldInfo& info : infos) {
      if (info.name == name) return info;
    }
    return FieldInfo{};
  };
  EXPECT_EQ(find("g_max").default_text, "\"25 uS\"");
  EXPECT_EQ(find("g_max").range_text, "in [1 nS, 1 mS]");
  EXPECT_EQ(find("g_max").sentence, "Largest conductance.");
  EXPECT_EQ(format_kind(find("g_max")), "conductance");
  EXPECT_EQ(format_kind(find("solver")), "one of fast and exact");
  EXPECT_EQ(format_kind(find("times")), "list, each time");
  EXPECT_EQ(format_kind(find("v_read")), "voltage, or \"unset\"");
  EXPECT_EQ(find("adc").children.at(0).name, "bits");
  EXPECT_EQ(find("layers").children.at(1).choices, (std::vector<std::string>{"nearest", "floor"}));
  EXPECT_TRUE(find("layers").is_list);
}

TEST(PiecewiseTable, IsLinearBetweenItsPointsAndConstantOutside) {
  const PiecewiseTable curve{3, {0, 1, 3}, {2, 4, 0}};
  EXPECT_FLOAT_EQ(curve(-5.0f), 2);
  EXPECT_FLOAT_EQ(curve(0.25f), 2.5f);
  EXPECT_FLOAT_EQ(curve(1.0f), 4);
  EXPECT_FLOAT_EQ(curve(2.0f), 2);
  EXPECT_FLOAT_EQ(curve(9.0f), 0);
  EXPECT_DOUBLE_EQ((PiecewiseTable{1, {3}, {7}}(0.5)), 7);
}

}  // namespace
}  // namespace mq
