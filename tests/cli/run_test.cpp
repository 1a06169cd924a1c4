#include <gtest/gtest.h>

#include <algorithm>

#include "meltquench/core/json.h"
#include "meltquench/devices/device.h"
#include "program_run.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

std::string digest_of(const Ended& ended) {
  EXPECT_EQ(ended.code, 0) << ended.err;
  return ended.code == 0 ? parse_json(ended.out).at("digest").as_text() : "";
}

TEST(Run, PrintsATableOnStdoutAndProgressOnStderr) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"run", "tiny.toml"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("plain"), std::string::npos);
  EXPECT_NE(ended.out.find("1 year"), std::string::npos);
  EXPECT_NE(ended.out.find("report: " + (here.run_folder("tiny") / "report.html").string()),
            std::string::npos);
  EXPECT_EQ(ended.out.find("Evaluating"), std::string::npos);
  EXPECT_NE(ended.err.find("Evaluating chips: 8/8"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find('\r'), std::string::npos) << "no terminal, no redrawing";
}

TEST(Run, IsSilentOnStderrWhenQuiet) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"run", "tiny.toml", "-q"});
  EXPECT_EQ(ended.code, 0);
  EXPECT_EQ(ended.err, "");
}

TEST(Run, ShowsProgressAsJsonLines) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"run", "tiny.toml", "--progress", "json"});
  std::size_t objects = 0;
  for (std::size_t start = 0, end; (end = ended.err.find('\n', start)) != std::string::npos;
       start = end + 1) {
    const std::string line = ended.err.substr(start, end - start);
    if (!line.starts_with('{')) continue;
    ++objects;
    EXPECT_LE(parse_json(line).at("done").as_integer(), parse_json(line).at("total").as_integer());
  }
  EXPECT_GE(objects, 4u) << ended.err;
}

TEST(Run, GivesOneDigestForAnyThreadsAndBatchSize) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const auto digest = [&](const std::string& threads, const std::string& batch_size,
                          const std::string& output) {
    return digest_of(here.run({"run", "tiny.toml", "--json", "--threads", threads, "--output", output,
                               "--set", "eval.batch_size=" + batch_size}));
  };
  const std::string expected = digest("1", "512", "a");
  EXPECT_EQ(expected.size(), 64u);
  EXPECT_EQ(digest("2", "512", "b"), expected);
  EXPECT_EQ(digest("1", "1", "c"), expected);
  EXPECT_EQ(digest("3", "7", "d"), expected);
  EXPECT_NE(digest_of(here.run({"run", "tiny.toml", "--json", "--set", "seed=4"})), expected);
}

TEST(Run, ComputesNothingTheSecondTime) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Value first = parse_json(here.run({"run", "tiny.toml", "--json"}).out);
  const Value second = parse_json(here.run({"run", "tiny.toml", "--json"}).out);
  EXPECT_EQ(first.at("computed").as_integer(), 2);
  EXPECT_EQ(second.at("computed").as_integer(), 0);
  EXPECT_EQ(first.at("digest"), second.at("digest"));
  EXPECT_EQ(first.at("rows"), second.at("rows"));
}

TEST(Run, PlansWithoutWritingAnything) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"run", "tiny.toml", "--dry-run", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  const Value plan = parse_json(ended.out);
  EXPECT_EQ(plan.at("trials").as_integer(), 2);
  EXPECT_EQ(plan.at("done").as_integer(), 0);
  EXPECT_EQ(plan.at("trainings").as_integer(), 1);
  EXPECT_EQ(plan.at("tiles_per_chip").as_integer(), 3) << "144 inputs on 100 word lines, then 16";
  EXPECT_EQ(here.files(), std::vector<std::string>{"tiny.toml"});
  ASSERT_EQ(here.run({"run", "tiny.toml", "-q"}).code, 0);
  EXPECT_EQ(parse_json(here.run({"run", "tiny.toml", "--dry-run", "--json"}).out).at("done").as_integer(), 2);
  EXPECT_EQ(plan.at("folder").as_text(), here.run_folder("tiny").string());
}

TEST(Sweep, RunsEveryPointAndSharesTheTraining) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"sweep", "tiny.toml", "adc.bits=2,8", "tile.rows=range(50, 151, 50)"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const std::string label : {"adc.bits=2, tile.rows=50\n", "adc.bits=8, tile.rows=150\n"}) {
    EXPECT_NE(ended.out.find(label), std::string::npos) << ended.out;
  }
  const std::vector<std::string> files = here.files();
  EXPECT_EQ(std::count_if(files.begin(), files.end(),
                          [](const auto& name) { return name.starts_with("runs/models/"); }),
            1);
  const std::string csv = here.read(here.run_folder("tiny") / "results.csv");
  EXPECT_TRUE(csv.starts_with("adc.bits,tile.rows,variant,")) << csv;
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 6 * 4);
}

TEST(Sweep, OfAFileIsTheSameAsOfTheCommandLine) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  here.write("table.toml", std::string(kTiny) + "[sweep]\n\"adc.bits\" = [4, 8]\n");
  const std::string expected = digest_of(here.run({"sweep", "tiny.toml", "adc.bits=4,8", "--json"}));
  EXPECT_EQ(digest_of(here.run({"run", "table.toml", "--json", "--output", "other"})), expected);
  EXPECT_EQ(digest_of(here.run({"sweep", "table.toml", "--json"})), expected);
  const std::string config = (here.run_folder("tiny") / "config.toml").string();
  const Ended again = here.run({"run", config, "--json"});
  EXPECT_EQ(digest_of(again), expected) << "the config in the run's folder makes the same run";
  EXPECT_EQ(parse_json(again.out).at("computed").as_integer(), 0);
}

TEST(Sweep, ListsItsPoints) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended ended = here.run({"sweep", "tiny.toml", "device.g_max=lin(10 uS, 30 uS, 3)", "--list"});
  EXPECT_EQ(ended.out, "device.g_max=10 uS\ndevice.g_max=20 uS\ndevice.g_max=30 uS\n");
  EXPECT_EQ(here.files(), std::vector<std::string>{"tiny.toml"});
}

TEST(Report, WritesTheSameBytesAgain) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  ASSERT_EQ(here.run({"run", "tiny.toml", "-q"}).code, 0);
  const fs::path folder = here.run_folder("tiny");
  std::vector<std::string> before;
  for (const char* name : {"results.csv", "arrays.h5", "report.html"}) {
    before.push_back(here.read(folder / name));
    fs::remove(here.folder() / "work" / folder / name);
  }
  const Ended ended = here.run({"report", folder.string()});
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, (folder / "report.html").string() + "\n");
  std::size_t i = 0;
  for (const char* name : {"results.csv", "arrays.h5", "report.html"}) {
    EXPECT_TRUE(here.read(folder / name) == before[i++]) << name;
  }
  EXPECT_EQ(here.shell("cd " + folder.string() + " && meltquench report .").code, 0);
}

TEST(Show, TellsWhatARunHolds) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  ASSERT_EQ(here.run({"run", "tiny.toml", "-q"}).code, 0);
  const std::string folder = here.run_folder("tiny").string();
  const Value summary = parse_json(here.run({"show", folder, "--json"}).out);
  EXPECT_EQ(summary.at("finished_chips").as_integer(), 2);
  EXPECT_EQ(summary.at("manifest").at("seed").as_integer(), 3);
  const Ended arrays = here.run({"show", folder + "/arrays.h5"});
  EXPECT_NE(arrays.out.find("/results/0/correct  int64 [2,2,2]"), std::string::npos) << arrays.out;
  EXPECT_NE(arrays.out.find("variant = plain"), std::string::npos) << arrays.out;
  const Value file = parse_json(here.run({"show", folder + "/arrays.h5", "--json"}).out);
  EXPECT_EQ(file.at("kind").as_text(), "results");
}

TEST(Show, ResolvesAConfigThatMakesTheSameRun) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const std::string expected =
      digest_of(here.run({"run", "tiny.toml", "--json", "--set", "device=hermes-1"}));
  ASSERT_EQ(here.shell("meltquench show tiny.toml --set device=hermes-1 > full.toml").code, 0);
  EXPECT_EQ(digest_of(here.run({"run", "full.toml", "--json", "--output", "other"})), expected);
}

TEST(Show, PrintsAPresetAsAConfig) {
  const Workplace here;
  ASSERT_EQ(
      here.shell("meltquench show hermes-2 > device.toml && meltquench show device.toml --json > full.json")
          .code,
      0);
  const Value config = parse_json(here.read("full.json"));
  EXPECT_EQ(config.at("device").at("g_max").as_text(), "20.7 uS");
}

TEST(Describe, PrintsWhatTheParametersAre) {
  const Workplace here;
  const Value all = parse_json(here.run({"describe", "--json"}).out);
  std::vector<std::string> names;
  for (const Value& section : all.as_array()) names.push_back(section.at("name").as_text());
  std::vector<std::string> expected{"data",    "model",   "train",      "programming", "faults",
                                    "mapping", "tile",    "dac",        "periphery",   "adc",
                                    "wires",   "current", "cell_noise", "temperature", "eval"};
  for (const std::string& model : model_names()) expected.push_back(model);
  EXPECT_EQ(names, expected);
  const Ended adc = here.run({"describe", "adc"});
  EXPECT_NE(adc.out.find("bits = 8\n      integer, in [0, 16]"), std::string::npos) << adc.out;
}

TEST(Describe, PrintsAPreset) {
  const Workplace here;
  const Ended sonos = here.run({"describe", "sonos"});
  EXPECT_TRUE(sonos.out.starts_with("preset sonos: 40 nm SONOS")) << sonos.out;
  EXPECT_NE(sonos.out.find("interpolation = \"linear\""), std::string::npos) << sonos.out;
  EXPECT_EQ(parse_json(here.run({"describe", "sonos", "--json"}).out).at("model").as_text(), "spread");
}

TEST(Describe, DrawsModelsAndPresets) {
  const Workplace here;
  for (const std::string name : {"pcm", "soft-bounds", "sonos"}) {
    const Ended drawn = here.run({"describe", name, "--plot", name + ".svg"});
    EXPECT_EQ(drawn.code, 0) << drawn.err;
    EXPECT_EQ(drawn.out, name + ".svg\n");
    EXPECT_TRUE(here.read(name + ".svg").starts_with("<svg ")) << name;
  }
  const Ended unknown = here.run({"describe", "pcm-lik", "--plot", "a.svg"});
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.err.find("there is no device model or preset 'pcm-lik'; did you mean pcm-like?"),
            std::string::npos)
      << unknown.err;
  EXPECT_EQ(here.run({"describe", "--plot", "a.svg"}).code, 2);
}

TEST(Doctor, SaysWhetherCudaIsThere) {
  const Workplace here;
  const Ended ended = here.run({"doctor", "--json"});
  ASSERT_EQ(ended.code, 0);
  const Value backends = parse_json(ended.out).at("backends");
  EXPECT_TRUE(backends.as_array()[0].at("available").as_boolean()) << "cpu";
  if (!MQ_HAVE_CUDA) {
    EXPECT_FALSE(backends.as_array()[2].at("available").as_boolean());
    EXPECT_NE(backends.as_array()[2].at("why_not").as_text().find("not part of this build"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace mq
