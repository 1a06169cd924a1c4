#include "meltquench/core/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <thread>
#include <vector>

#include "meltquench/core/json.h"

namespace mq {
namespace {

class Recorder : public ProgressSink {
 public:
  void update(const ProgressState& state) override { states.push_back(state); }
  std::vector<ProgressState> states;
};

ProgressState state_at(double elapsed_s, std::uint64_t done, bool is_finished = false) {
  return {"Chips", done, 100, elapsed_s, is_finished};
}

TEST(Progress, CountsFromSeveralThreadsAndFinishesOnce) {
  Recorder recorder;
  {
    Progress progress(recorder, "Chips", 4000);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) progress.advance();
      });
    }
    for (std::thread& thread : threads) thread.join();
    progress.finish();
  }
  ASSERT_EQ(recorder.states.size(), 4002u);
  EXPECT_EQ(recorder.states.front().done, 0u);
  for (std::size_t i = 1; i < recorder.states.size(); ++i) {
    ASSERT_GE(recorder.states[i].done, recorder.states[i - 1].done);
    ASSERT_GE(recorder.states[i].elapsed_s, recorder.states[i - 1].elapsed_s);
  }
  EXPECT_EQ(recorder.states.back().done, 4000u);
  EXPECT_TRUE(recorder.states.back().is_finished);
}

TEST(Progress, TimeLeftFollowsTheMeanRate) {
  EXPECT_DOUBLE_EQ(state_at(10, 25).left_s(), 30);
  EXPECT_LT(state_at(10, 0).left_s(), 0);
  EXPECT_EQ(state_at(10, 100).left_s(), 0);
  EXPECT_EQ(format_duration(59.4), "59 s");
  EXPECT_EQ(format_duration(185), "3 min 05 s");
  EXPECT_EQ(format_duration(7800), "2 h 10 min");
}

TEST(TerminalProgress, RedrawsOneLineAtMostTenTimesASecond) {
  std::ostringstream out;
  TerminalProgress sink(out, TerminalProgress::Color::off, 60);
  for (int i = 0; i <= 1000; ++i) sink.update(state_at(i * 1e-3, static_cast<std::uint64_t>(i) / 20));
  sink.update(state_at(2, 100, true));
  const std::string text = out.str();
  const auto redraws = std::count(text.begin(), text.end(), '\r');
  EXPECT_GE(redraws, 10);
  EXPECT_LE(redraws, 12);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find("Chips [####################] 100/100  50/s  in 2 s"), std::string::npos) << text;
}

TEST(TerminalProgress, NeverExceedsTheWidth) {
  std::ostringstream out;
  TerminalProgress sink(out, TerminalProgress::Color::off, 30);
  sink.update(state_at(10, 40));
  EXPECT_EQ(out.str().size(), 30u);  // "\r" and 29 columns
}

TEST(TerminalProgress, ColoursOnlyTheBar) {
  std::ostringstream out;
  TerminalProgress sink(out, TerminalProgress::Color::on);
  sink.update(state_at(10, 50));
  EXPECT_EQ(out.str(), "\rChips [\x1b[32m##########..........\x1b[0m] 50/100  5/s  10 s left\x1b[K");
}

TEST(TerminalProgress, RespectsNoColor) {
  ::setenv("TERM", "xterm", 1);
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_EQ(TerminalProgress::color_of_environment(), TerminalProgress::Color::off);
  ::unsetenv("NO_COLOR");
  EXPECT_EQ(TerminalProgress::color_of_environment(), TerminalProgress::Color::on);
}

TEST(LogProgress, WritesFewLines) {
  std::ostringstream out;
  LogProgress sink(out);
  for (int i = 0; i <= 100; ++i) sink.update(state_at(i * 10, static_cast<std::uint64_t>(i)));
  sink.update(state_at(1000, 100, true));
  const std::string text = out.str();
  EXPECT_EQ(text.substr(0, text.find('\n')), "Chips: 0/100");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 22);  // the start, every 5 %, the end
  EXPECT_NE(text.find("Chips: 50/100, 10 s each, 8 min 20 s left\n"), std::string::npos) << text;

  std::ostringstream quick;
  LogProgress quick_sink(quick);
  for (int i = 0; i <= 100; ++i) quick_sink.update(state_at(i * 0.1, static_cast<std::uint64_t>(i)));
  quick_sink.update(state_at(10, 100, true));
  EXPECT_EQ(quick.str(), "Chips: 0/100\nChips: 100/100, 10/s, in 10 s\n");
}

TEST(JsonProgress, WritesOneObjectALine) {
  std::ostringstream out;
  JsonProgress sink(out);
  for (int i = 0; i <= 100; ++i) sink.update(state_at(i * 0.1, static_cast<std::uint64_t>(i)));
  sink.update(state_at(10.5, 100, true));
  std::istringstream lines(out.str());
  std::vector<Value> values;
  for (std::string line; std::getline(lines, line);) values.push_back(parse_json(line));
  ASSERT_GE(values.size(), 10u);
  ASSERT_LE(values.size(), 12u);
  EXPECT_TRUE(values.front().at("left_s").is_null());
  EXPECT_EQ(to_json(values.back()),
            R"({"task":"Chips","done":100,"total":100,"elapsed_s":10.5,"left_s":0.0,"finished":true})");
}

}  // namespace
}  // namespace mq
