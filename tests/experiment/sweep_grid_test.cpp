#include "meltquench/experiment/sweep_grid.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/overrides.h"
#include "meltquench/experiment/analog_network.h"
#include "meltquench/experiment/experiment.h"

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

/// What a sweep of `axes` over a config, changed by --set first, says: its labels and keys, or its error.
std::string outcome(std::string_view toml, const Texts& set, const Texts& axes) {
  try {
    Value config = parse_toml(toml, "s.toml");
    apply_overrides(config, set);
    std::string text;
    for (const SweepPoint& point : sweep_points(config, axes))
      text += point.label() + ": " + point.key + "\n";
    return text;
  } catch (const ConfigError& error) {
    return error.what();
  }
}

/// Most memory that this process ever had [bytes].
std::size_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) << 10;
}

float prog_noise_scale(const SweepPoint& point) {
  return std::get<Pcm::Params>(point.config.hardware.everywhere().device).prog_noise_scale;
}

TEST(SweepPoints, KeepKeysOfTheDeviceWhateverDeviceIsSwept) {
  const Value config = parse_toml("name = \"s\"", "s.toml");
  for (const Texts& axes : {Texts{"device.prog_noise_scale=0,10", "device=pcm-like,hermes-2"},
                            Texts{"device=pcm-like,hermes-2", "device.prog_noise_scale=0,10"}}) {
    const std::vector<SweepPoint> points = sweep_points(config, axes);
    ASSERT_EQ(points.size(), 4u);
    for (const SweepPoint& point : points) {
      const bool is_ten = point.label().find("scale=10") != std::string::npos;
      EXPECT_EQ(prog_noise_scale(point), is_ten ? 10.0f : 0.0f) << point.label();
      const bool is_hermes = point.label().find("hermes-2") != std::string::npos;
      EXPECT_EQ(g_max(point.config.hardware.everywhere().device),
                g_max(device_from_preset(is_hermes ? "hermes-2" : "pcm-like")));
    }
  }
}

TEST(SweepPoints, KeepWhatTheFileAndSetSayBesideASweptTable) {
  for (const char* toml :
       {"[device]\npreset = \"pcm-like\"\nprog_noise_scale = 10.0", "device = { prog_noise_scale = 10.0 }"}) {
    for (const SweepPoint& point :
         sweep_points(parse_toml(toml, "s.toml"), Texts{"device=pcm-like,hermes-2"})) {
      EXPECT_EQ(prog_noise_scale(point), 10.0f) << toml << point.label();
    }
  }
  Value config = parse_toml("device = { model = \"pcm\", g_max = \"20 uS\" }", "s.toml");
  apply_overrides(config, Texts{"device.prog_noise_scale=10"});
  for (const SweepPoint& point : sweep_points(config, Texts{"device=hermes-1,hermes-2"})) {
    EXPECT_EQ(prog_noise_scale(point), 10.0f);
    EXPECT_NE(g_max(point.config.hardware.everywhere().device), 20e-6f);
  }
  config = parse_toml("adc.bits = 5", "s.toml");
  const auto points = sweep_points(config, Texts{"adc={kind=\"sar\"},{kind=\"ramp\"}", "adc.bits=4,6"});
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[3].config.hardware.everywhere().adc.bits, 6);
  EXPECT_EQ(sweep_points(config, Texts{"adc={kind=\"sar\"}"})[0].config.hardware.everywhere().adc.bits, 5);
}

TEST(SweepPoints, DoNotDependOnTheOrderOfSetOrAreRefused) {
  Texts set = {"device=hermes-2",   "device.g_max=20uS",     "adc={kind=\"sar\"}", "adc.bits=6",
               "adc.mismatch=0.02", "layer=[{match=\"*\"}]", "layer.0.adc.bits=5", "layer.0.dac={bits=7}"};
  std::sort(set.begin(), set.end());
  const std::string expected = outcome("name = \"s\"", set, {});
  ASSERT_EQ(expected.substr(0, 2), ": ") << expected;
  std::mt19937 random(7);
  for (int i = 0; i < 100; ++i) {
    std::shuffle(set.begin(), set.end(), random);
    ASSERT_EQ(outcome("name = \"s\"", set, {}), expected);
  }
}

TEST(SweepPoints, OfAnyChangesInAnyOrderAreTheSameOrRefused) {
  const Texts changes = {"device=hermes-2",
                         "device=pcm-like",
                         "device={g_max=\"20 uS\"}",
                         "device={model=\"pcm\"}",
                         "device={preset=\"hermes-1\", g_max=\"15 uS\"}",
                         "device.preset=hermes-1",
                         "device.g_max=20uS",
                         "device.prog_noise_scale=2",
                         "adc={bits=6}",
                         "adc={kind=\"sar\", bits=7}",
                         "adc={}",
                         "adc.bits=6",
                         "adc.bits=4",
                         "adc.kind=ramp",
                         "layer=[{match=\"fc1\"}]",
                         "layer=[{match=\"fc1\", adc={bits=5}},{match=\"*\"}]",
                         "layer.0.adc.bits=5",
                         "layer.0.device=hermes-1",
                         "layer.0.device.g_max=12uS",
                         "layer.1.match=fc2"};
  const std::string file = "device = \"pcm-like\"\n[[layer]]\nmatch = \"*\"\n[[layer]]\nmatch = \"fc*\"\n";
  std::mt19937 random(7);
  int accepted = 0, refused = 0;
  for (int i = 0; i < 400; ++i) {
    Texts some = changes;
    std::shuffle(some.begin(), some.end(), random);
    some.resize(2 + random() % 4);
    const std::string first = outcome(file, some, {});
    const bool is_accepted = first.starts_with(": ");
    (is_accepted ? accepted : refused) += 1;
    for (int k = 0; k < 6; ++k) {
      std::shuffle(some.begin(), some.end(), random);
      const std::string again = outcome(file, some, {});
      ASSERT_TRUE(is_accepted ? again == first : !again.starts_with(": ")) << first << again;
    }
  }
  EXPECT_GT(accepted, 50);
  EXPECT_GT(refused, 50);
}

TEST(SweepPoints, AreNeverTheSameRunTwice) {
  const auto says = [](const Texts& set, const Texts& axes, std::string_view part) {
    const std::string text = outcome("name = \"s\"\n[[layer]]\nmatch = \"fc1\"\n", set, axes);
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says({}, {"adc.bits=4,6,4"}, "the sweep of adc.bits lists 4 twice");
  says({}, {"device.g_max=25uS,25 uS"},
       "the sweep points device.g_max=25uS and device.g_max=25 uS are the same run");
  says({}, {"adc.bits=8", "dac.asymmetry=0,0.0"}, "dac.asymmetry=0.0 are the same run");
  says({}, {"layer.0.device.g_max=25uS,25e-6"}, "are the same run");
  says({}, {"device=pcm-like,{preset=\"pcm-like\"}"}, "are the same run");
  says({}, {"eval.batch_size=10,20"}, "are the same run");
  says({}, {"adc={bits=4}", "adc.bits=4,6"}, "adc.bits is given twice: as 4 and as 6");
  says({"adc.bits=5"}, {"adc.bits=4,6"}, "adc.bits is given twice: as 5 and as 4");
  says({"adc.bits=5"}, {"adc={bits=4},{bits=6}"}, "adc.bits is given twice: as 5 and as 4");
  says({"layer.0.adc.bits=5"}, {"layer=[{match=\"fc1\"}],[{match=\"fc2\"}]"}, "layer is given twice");
  says({"adc.bits=5", "adc.bits=6"}, {}, "adc.bits is given twice: as 5 and as 6");
  says({"device=hermes-1", "device=hermes-2"}, {}, "device is given twice");
  says({}, {"sweep.adc.bits=4,6"},
       "sweep.adc.bits cannot be swept: it is a sweep itself; write adc.bits=4,...");
  says({}, {"name=a,b"}, "name cannot be swept");
  says({}, {"adc.bits=4", "adc.bits=6"}, "lists adc.bits twice");
  EXPECT_NE(outcome("[sweep]\nadc.bits = [4]\n\"adc.bits\" = [6]", {}, {}).find("lists adc.bits twice"),
            std::string::npos);
}

TEST(SweepPoints, AreResolvedAsEachWouldBeAlone) {
  const char* toml =
      "device = \"pcm-like\"\nadc.bits = 6\n[data]\nname = \"synthetic\"\n[[layer]]\nmatch = \"fc1\"\n"
      "device.g_max = \"20 uS\"\nadc.bits = 5\n";
  const std::vector<SweepPoint> points = sweep_points(
      parse_toml(toml, "s.toml"), Texts{"device=pcm-like,hermes-2", "seed=1,2", "layer.0.adc.bits=4,7",
                                        "train.epochs=1,2", "eval.chips=2", "wires.word_line=1 Ohm,0 Ohm"});
  ASSERT_EQ(points.size(), 32u);
  for (const SweepPoint& point : points) {
    Value alone = parse_toml(toml, "s.toml");
    Texts set;
    for (const auto& [key, value] : point.settings) set.push_back(key + "=" + value);
    apply_overrides(alone, set);
    const RunConfig config = RunConfig::from_value(alone);
    EXPECT_EQ(point.key, config.key()) << point.label();
    EXPECT_EQ(point.training_key, config.training_key()) << point.label();
    EXPECT_EQ(to_toml(point.config.to_value()), to_toml(config.to_value())) << point.label();
  }
}

TEST(SweepPlan, OfANetworkOfABillionWeightsNeedsNoMemoryForThem) {
  const Value config = parse_toml(
      "[data]\nname = \"synthetic\"\n[model]\nlayers = [32768, 32768]\n[eval]\nchips = 2\n", "s.toml");
  const std::size_t before = peak_memory();
  const RunPlan plan = plan_experiment(sweep_points(config), {.output = "no-such-folder"});
  EXPECT_GT(plan.bytes_per_chip, std::size_t{8'000'000'000});
  EXPECT_LT(peak_memory() - before, std::size_t{64} << 20);
}

TEST(SweepPlan, RefusesPointsWhoseKeyRulesOverrideInEveryLayer) {
  const Value config =
      parse_toml("[data]\nname = \"synthetic\"\n[[layer]]\nmatch = \"*\"\nadc.bits = 5\n", "s.toml");
  try {
    plan_experiment(sweep_points(config, Texts{"adc.bits=4,6"}), {.output = "no-such-folder"});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("adc.bits=4 and adc.bits=6 are the same run"),
              std::string::npos);
  }
}

TEST(LayerShapes, WithoutWeightsAreThoseOfTheNetwork) {
  for (const ModelParams& model :
       {ModelParams{}, ModelParams{.layers = {}}, ModelParams{.kind = ModelKind::lenet5}}) {
    const auto shapes = layer_shapes(model, {1, 28, 28}, 10),
               made = layer_shapes(make_network(model, {1, 28, 28}, 10));
    ASSERT_EQ(shapes.size(), made.size());
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      EXPECT_EQ(shapes[i].name, made[i].name);
      EXPECT_EQ(shapes[i].outputs, made[i].outputs);
      EXPECT_EQ(shapes[i].inputs, made[i].inputs);
    }
  }
}

TEST(SweepValues, AreInDoublePrecision) {
  const Texts lin = sweep_values("lin(1, 2, 4)", "k");
  ASSERT_EQ(lin.size(), 4u);
  EXPECT_EQ(lin[1], "1.3333333333333333");
  EXPECT_EQ(sweep_values("lin(1, 1.0000001, 3)", "k"), (Texts{"1", "1.00000005", "1.0000001"}));
  EXPECT_EQ(sweep_values("lin(0.1234567890123456, 1, 2)", "k")[0], "0.1234567890123456");
  EXPECT_EQ(sweep_values("range(0.1, 0.35, 0.1)", "k"), (Texts{"0.1", "0.2", "0.3"}));
  EXPECT_EQ(sweep_values("lin(0, 1, 11)", "k")[3], "0.3");
  EXPECT_EQ(sweep_values("log(1e-300, 1e300, 3)", "k"), (Texts{"1e-300", "1", "1e+300"}));
  const Texts log = sweep_values("log(1, 2, 3)", "k");
  EXPECT_NEAR(std::stod(log[1]), std::sqrt(2.0), 1e-15);
  EXPECT_EQ(sweep_values("range(16777217, 16777219)", "k"), (Texts{"16777217", "16777218"}));
  EXPECT_NE(message_of("range(10 uS, 30 uS, 5 nS)").find("a step in nS"), std::string::npos);
  EXPECT_EQ(sweep_values("range(10 uS, 30 uS, 10 uS)", "k"), (Texts{"10 uS", "20 uS"}));
  EXPECT_NE(message_of("lin(1, 2, 3 s)").find("whole number"), std::string::npos);
  EXPECT_NE(message_of("lin(1, 2, 1)").find("two ends but one value"), std::string::npos);
  EXPECT_NE(message_of("lin(-1e308, 1e308, 3)").find("double precision"), std::string::npos);
}

}  // namespace
}  // namespace mq
