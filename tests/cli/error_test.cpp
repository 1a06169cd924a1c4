#include "meltquench/core/error.h"

#include <gtest/gtest.h>

#include "meltquench/kernels/kernel_table.h"
#include "program_run.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

struct BadCall {
  std::vector<std::string> words;
  int code;
  std::vector<std::string> says;  // pieces of stderr
};

/// The call fails as it should, prints no result and leaves nothing behind.
void expect_fails(const Workplace& here, const BadCall& call) {
  const std::vector<std::string> before = here.files();
  const Ended ended = here.run(call.words);
  const std::string line = call.words.empty() ? "" : testing::PrintToString(call.words);
  EXPECT_EQ(ended.code, call.code) << line << ended.err;
  EXPECT_EQ(ended.out, "") << line;
  EXPECT_TRUE(ended.err.starts_with("error: ")) << line << ended.err;
  for (const std::string& piece : call.says) EXPECT_NE(ended.err.find(piece), std::string::npos) << ended.err;
  for (const std::string noise : {"terminate", "what()", "mq::", "std::", "CLI::"}) {
    EXPECT_EQ(ended.err.find(noise), std::string::npos) << ended.err;
  }
  EXPECT_EQ(here.files(), before) << line;
}

TEST(Errors, OfArgumentsNameTheNearestWord) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const std::vector<BadCall> calls = {
      {{"rnu", "tiny.toml"}, 2, {"there is no subcommand 'rnu'; did you mean run?"}},
      {{"run", "tiny.toml", "--thread", "2"},
       2,
       {"meltquench run has no option '--thread'; did you mean --threads?"}},
      {{"run", "tiny.toml", "--threads", "two"}, 2, {"--threads two", "whole number from 1 to"}},
      {{"run", "tiny.toml", "--threads", "0"}, 2, {"--threads 0"}},
      {{"run", "tiny.toml", "--threads"}, 2, {"--threads needs a value: --threads N"}},
      {{"run", "tiny.toml", "--json=yes"}, 2, {"--json is a switch and takes no value"}},
      {{"run", "tiny.toml", "--backend", "opencl"},
       2,
       {"--backend cannot be 'opencl'", "cpu, reference and cuda"}},
      {{"run", "tiny.toml", "--output", "a", "--output", "b"}, 2, {"--output is given twice"}},
      {{"run", "tiny.toml", "--output", ""}, 2, {"--output is empty"}},
      {{"run", "tiny.toml", "again.toml"}, 2, {"'again.toml' is one argument too many"}},
      {{"run"}, 2, {"meltquench run needs CONFIG"}},
      {{"data", "lst"}, 2, {"ACTION cannot be 'lst'; did you mean list?"}},
      {{"completion", "powershell"}, 2, {"SHELL cannot be 'powershell'; known are bash, zsh and fish"}},
      {{"describe", "pmc"}, 2, {"'pmc'; did you mean pcm?"}},
      {{"show", "pcm-lke"}, 2, {"'pcm-lke' is no file, no folder and no preset; did you mean pcm-like?"}},
      {{"sweep", "tiny.toml"}, 2, {"there is nothing to sweep", "adc.bits=4,6,8"}},
      {{"sweep", "tiny.toml", "adc.bits"}, 2, {"'adc.bits' is no sweep axis"}},
  };
  for (const BadCall& call : calls) expect_fails(here, call);
}

TEST(Errors, OfTheConfigUnderlineTheirPlace) {
  const Workplace here;
  const auto with = [&](const std::string& text) {
    here.write("bad.toml", text);
    return std::vector<std::string>{"run", "bad.toml"};
  };
  expect_fails(
      here, {with("[adc]\nbit = 6\n"), 2, {"adc.bit is unknown; did you mean adc.bits?", "bad.toml:2", "^"}});
  expect_fails(here, {with("sed = 6\n"), 2, {"'sed'; did you mean seed?", "bad.toml:1", "^"}});
  expect_fails(
      here,
      {with("device = { preset = \"pcm-like\", g_max = \"25 V\" }\n"), 2, {"device.g_max", "25 V", "^"}});
  expect_fails(here,
               {with("device = { preset = \"pcm-like\", g_max = \"25 S\" }\n"),
                2,
                {"device.g_max = 25 S is out of range (must be in [1 nS, 1 mS]); did you mean 25 uS?", "^"}});
  expect_fails(here, {with("device = \"pcm-lke\"\n"), 2, {"'pcm-lke'; did you mean pcm-like?", "^"}});
  expect_fails(here, {with("[adc\n"), 2, {"bad.toml", "^"}});
  expect_fails(here, {with("[eval]\ntimes = [\"1 day\", \"1 h\"]\n"), 2, {"times must ascend"}});
  expect_fails(here, {with("[[layer]]\nmatch = \"fc9\"\n[data]\nname = \"synthetic\"\n"), 2, {"fc9"}});
}

TEST(Errors, OfOverridesNameThem) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const auto set = [](const std::string& text) {
    return std::vector<std::string>{"run", "tiny.toml", "--set", text};
  };
  expect_fails(here,
               {set("adc.bits=99"), 2, {"adc.bits = 99 is out of range (must be in [0, 16])", "--set", "^"}});
  expect_fails(here, {set("adc.bits"), 2, {"adc.bits"}});
  expect_fails(
      here,
      {set("adc.bits=4,6,8"), 2, {"one value is due here", "meltquench sweep CONFIG 'adc.bits=4,6,8'"}});
  expect_fails(here, {set("adc.bits=[4, 6]"), 2, {"meltquench sweep CONFIG 'adc.bits=4,6'"}});
  expect_fails(here, {set("device.g_max=lin(10 uS, 20 uS, 3)"), 2, {"meltquench sweep CONFIG"}});
  expect_fails(here, {set("adc.kind=sar,ramp"), 2, {"meltquench sweep CONFIG 'adc.kind=sar,ramp'"}});
  expect_fails(here, {set("adc.bits=8.0"), 2, {"adc.bits must be an integer; found 8.0; write 8"}});
  expect_fails(
      here, {set("adc.bits=99999999999999999999"), 2, {"adc.bits = 99999999999999999999 is out of range"}});
  for (const std::string seed : {"18446744073709551615", "-1"}) {
    expect_fails(here, {set("seed=" + seed),
                        2,
                        {"seed = " + seed + " is out of range (must be in [0, 9223372036854775807])"}});
  }
  expect_fails(here, {{"run", "tiny.toml", "--set", "adc.bits=4", "--set", "adc.bits=6"},
                      2,
                      {"adc.bits is given twice: as 4 and as 6", "--set", "^"}});
  expect_fails(here, {{"sweep", "tiny.toml", "adc.bits=4,6", "--set", "adc.bits=5"},
                      2,
                      {"adc.bits is given twice: as 5 and as 4"}});
  expect_fails(here, {set("device=hermes-3"), 2, {"'hermes-3'; did you mean hermes-"}});
}

TEST(Errors, OfAPresetFileInPlaceOfAConfigSayHowItIsUsed) {
  const Workplace here;
  here.write("my.toml", "summary = \"mine\"\nmodel = \"pcm\"\ng_max = \"20 uS\"\n");
  for (const std::string command : {"show", "run"}) {
    expect_fails(here, {{command, "my.toml"}, 2, {"my.toml is a preset file", "--set device=my.toml"}});
  }
}

TEST(Errors, OfAFolderThatShouldBeStdoutSaySo) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  for (const std::string command : {"run", "inspect"}) {
    expect_fails(here, {{command, "tiny.toml", "--output", "-"}, 2, {"--output - means stdout", "a folder"}});
  }
}

TEST(Output, GoesToStdoutForADash) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  const Ended svg = here.run({"describe", "pcm", "--plot", "-"});
  EXPECT_TRUE(svg.out.starts_with("<svg") && svg.out.ends_with("</svg>\n")) << svg.out.substr(0, 100);
  const Ended plain = here.run({"synthesize", "drift", "--cells", "2000"});
  EXPECT_EQ(here.run({"synthesize", "drift", "--cells", "2000", "-o", "-"}).out, plain.out);
  EXPECT_EQ(here.run({"synthesize", "drift", "--cells", "2000", "-o", "p.csv"}).code, 0);
  EXPECT_EQ(here.read("p.csv"), plain.out);
  const Ended preset = here.run({"fit", "p.csv", "-o", "-"});
  EXPECT_EQ(preset.code, 0) << preset.err;
  here.write("fitted.toml", preset.out);
  EXPECT_EQ(here.run({"fit", "p.csv", "-o", "again.toml"}).code, 0);
  EXPECT_EQ(here.read("again.toml"), preset.out);
  expect_fails(here, {{"fit", "p.csv", "-o", "-", "--json"}, 2, {"both write to stdout"}});
  const Ended circuit = here.run({"netlist", "tiny.toml", "--set", "wires.word_line=1Ohm", "-o", "-"});
  EXPECT_EQ(circuit.code, 0) << circuit.err;
  EXPECT_NE(circuit.out.find(".end"), std::string::npos);
  for (const std::string& file : here.files()) EXPECT_NE(file, "-");
}

TEST(Errors, OfMissingThingsSayHowToGetThem) {
  const Workplace here;
  here.write("fashion.toml", "[data]\nname = \"fashion-mnist\"\npath = \"nowhere\"\n");
  expect_fails(here, {{"run", "fashion.toml"},
                      3,
                      {"fashion-mnist is not in nowhere", "apt-get install dataset-fashion-mnist"}});
  expect_fails(here, {{"run", "absent.toml"}, 3, {"absent.toml"}});
  expect_fails(here, {{"show", "absent/run"}, 3, {"there is no file or folder absent/run"}});
  here.write("empty/file", "");
  expect_fails(here, {{"report", "empty"}, 3, {"empty", "config.toml"}});
  expect_fails(here, {{"show", "empty"}, 3, {"holds no config.toml"}});
}

TEST(Errors, OfAnOutputFolderThatCannotBeMade) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  here.write("file", "not a folder");
  expect_fails(here, {{"run", "tiny.toml", "--output", "file/runs"}, 4, {"file/runs"}});
  expect_fails(here, {{"run", "tiny.toml", "--output", "/proc/runs"}, 4, {"/proc/runs"}});
}

TEST(Errors, OfAFullDiskUnderTheResults) {
  const Workplace here;
  const Ended ended = here.shell("meltquench presets > /dev/full");
  EXPECT_EQ(ended.code, 4);
  EXPECT_NE(ended.err.find("standard output"), std::string::npos) << ended.err;
}

TEST(Errors, OfABackendThatIsNotThere) {
  try {
    kernels(Backend::cuda);
    GTEST_SKIP() << "this machine has a GPU, and this build uses it";
  } catch (const BackendUnavailable&) {
  }
  const Workplace here;
  here.write("tiny.toml", kTiny);
  expect_fails(here,
               {{"run", "tiny.toml", "--backend", "cuda"},
                4,
                MQ_HAVE_CUDA ? std::vector<std::string>{"no CUDA device", "choose the backend cpu"}
                             : std::vector<std::string>{"cuda is not part of this build", "-DMQ_CUDA=ON"}});
}

TEST(Errors, OfARenamedRunSayItsName) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  ASSERT_EQ(here.run({"run", "tiny.toml", "-q"}).code, 0);
  const fs::path folder = here.run_folder("tiny");
  fs::rename(here.folder() / "work" / folder, here.folder() / "work" / "runs" / "mine");
  expect_fails(here, {{"report", "runs/mine"}, 1, {"runs/mine holds the run " + folder.filename().string()}});
}

TEST(Errors, OfDamagedFilesNameThem) {
  const Workplace here;
  here.write("tiny.toml", kTiny);
  ASSERT_EQ(here.run({"run", "tiny.toml", "-q"}).code, 0);
  const fs::path folder = here.run_folder("tiny");
  const std::string arrays = here.read(folder / "arrays.h5");
  here.write("short.h5", arrays.substr(0, arrays.size() / 2));
  expect_fails(here, {{"show", "short.h5"}, 1, {"short.h5"}});
  here.write("foreign.h5", "\x89HDF\r\n\x1a\n, but of somebody else");
  expect_fails(here, {{"show", "foreign.h5"}, 1, {"foreign.h5"}});
  here.write((folder / "trials.jsonl").string(), "{\"point\": 3}\n");
  expect_fails(here, {{"run", "tiny.toml", "-q"}, 1, {"trials.jsonl, line 1 is no trial"}});
}

}  // namespace
}  // namespace mq
