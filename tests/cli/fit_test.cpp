#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "program_run.h"

namespace mq {
namespace {

/// Reads of 60 cells that drift with 0.05, at these times [s].
std::string reads(const std::vector<double>& times,
                  const std::string& header = "cell,target_uS,time_s,g_uS\n") {
  std::string text = header;
  for (int cell = 0; cell < 60; ++cell) {
    const double target = 6.0 * (1 + cell % 3), written = target * (1.0 + 0.1 * std::sin(1.7 * cell)),
                 nu = 0.05 + 0.008 * std::cos(2.3 * cell);
    for (std::size_t i = 0; i < times.size(); ++i) {
      const double noise = 1.0 + 0.02 * std::sin(12.9 * cell + 7.1 * double(i));
      text += std::to_string(cell) + "," + std::to_string(target) + "," + std::to_string(times[i]) + "," +
              std::to_string(written * std::pow(times[i] / 20.0, -nu) * noise) + "\n";
    }
  }
  return text;
}

TEST(FitCommand, WritesAPresetThatRunTakesAndSaysWhatItUsed) {
  const Workplace here;
  here.write("good.csv", reads({30, 300, 3000, 30'000}));
  const Ended fitted = here.run({"fit", "good.csv", "-o", "good.toml"});
  ASSERT_EQ(fitted.code, 0) << fitted.err;
  EXPECT_NE(fitted.out.find("used: 240 of 240 rows, 60 cells\n"), std::string::npos) << fitted.out;
  here.write("run.toml", "device = 'good.toml'\n");
  const Ended shown = here.run({"show", "run.toml"});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("g_max = \"18 uS\""), std::string::npos) << shown.out;
}

TEST(FitCommand, WritesNothingThatTheReadsDoNotTell) {
  const Workplace here;
  const auto says = [&](const std::string& text, const std::string& sentence) {
    here.write("data.csv", text);
    const Ended ended = here.run({"fit", "data.csv", "-o", "none.toml", "--plot", "none.svg"});
    EXPECT_EQ(ended.code, 1) << ended.out;
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find(sentence), std::string::npos) << ended.err;
    EXPECT_FALSE(std::filesystem::exists(here.folder() / "none.toml"));
    EXPECT_FALSE(std::filesystem::exists(here.folder() / "none.svg"));
  };
  says(reads({1000, 1001, 1002, 1003}), "these reads cannot tell nu");
  says(reads({30, 300, 3000}, "cell,target_S,time_s,g_S\n"), "data.csv:2:2: target = 6 S is out of range");
  const std::string good = reads({30, 300, 3000, 30'000});
  std::string sentinel = good;
  sentinel.replace(sentinel.rfind(',') + 1, 8, "9.91E+37");
  says(sentinel, "data.csv:241:4: '9.91E+37");
  says(good.substr(0, good.size() - 5), "was the file cut off?");
  says(good.substr(0, good.size() - 12), "was the file cut off?");
}

}  // namespace
}  // namespace mq
