#include "meltquench/experiment/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/experiment/trial_rules.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

class JournalFile : public testing::Test {
 protected:
  JournalFile() { fs::create_directories(file_.parent_path()); }
  ~JournalFile() override { fs::remove_all(file_.parent_path()); }

  static TrialId id(std::uint32_t chip) { return {"key", Variant::plain, chip}; }
  static ChipTrial trial(std::int64_t correct) {
    ChipTrial result{{correct, correct + 1}, {}};
    result.counters.mvms = 7;
    result.counters.adc_conversions = 9;
    return result;
  }
  void write(const std::string& text) const { std::ofstream(file_, std::ios::trunc) << text; }

  /// A line whose checksum is right, whatever its values are.
  static std::string line(const std::string& values) {
    return values + ",\"check\":\"" + sha256(values).substr(0, 16) + "\"}\n";
  }
  /// What is said about the file as it is.
  std::string complaint(const TrialCheck& check = {}) const {
    try {
      Journal{file_, check};
      return "";
    } catch (const DataError& error) {
      return error.what();
    }
  }

  fs::path file_ = fs::temp_directory_path() / ("mq-journal-" + std::to_string(::getpid())) / "trials.jsonl";
};

TEST_F(JournalFile, KeepsTrialsAndReadsThoseOfOtherProcesses) {
  Journal here(file_), there(file_);
  here.append(id(3), trial(20));
  EXPECT_EQ(there.find(id(3)), nullptr);
  there.refresh();
  ASSERT_NE(there.find(id(3)), nullptr);
  EXPECT_EQ(there.find(id(3))->correct, trial(20).correct);
  EXPECT_EQ(there.find(id(3))->counters, trial(20).counters);
  there.append(id(4), trial(21));
  here.append(id(5), trial(22));
  EXPECT_NE(here.find(id(4)), nullptr);
  EXPECT_NE(Journal(file_).find(id(5)), nullptr);
}

TEST_F(JournalFile, NamesALineThatWasChangedOrCut) {
  Journal journal(file_);
  for (std::uint32_t chip = 0; chip < 3; ++chip) journal.append(id(chip), trial(20));
  const std::string text = read_file(file_);
  std::string changed = text;
  changed[changed.find("\"correct\":[20", text.find('\n')) + 11] = '9';
  write(changed);
  EXPECT_NE(complaint().find("trials.jsonl, line 2 is no trial (its checksum is that of another line"),
            std::string::npos)
      << complaint();
  EXPECT_NE(complaint().find("remove the line to compute that chip again"), std::string::npos);
  std::string cut = text;
  cut.erase(cut.find(",\"check\""), cut.find('\n') - cut.find(",\"check\""));
  write(cut);
  EXPECT_NE(complaint().find("line 1 is no trial"), std::string::npos) << complaint();
  write(cut.insert(cut.find('\n'), "}"));  // as versions before checksums wrote it
  EXPECT_NE(complaint().find("line 1 is no trial (it has no checksum: it was cut off, or an older version"),
            std::string::npos)
      << complaint();
  write(text + text.substr(0, 50));  // the end of a killed process
  EXPECT_EQ(complaint(), "");
}

TEST_F(JournalFile, RefusesValuesOutOfRangeAlsoWithTheirRightChecksum) {
  const std::string counters =
      "{\"mvms\":1,\"dac_conversions\":1,\"dac_clips\":0,\"sum_of_codes\":1,\"adc_conversions\":1,"
      "\"adc_clips\":0,\"response_reads\":0,\"pulses\":1,\"verify_steps\":0,\"unconverged\":0,\"programming_"
      "fj\":0,"
      "\"programming_ns\":0}";
  const auto text = [&](const std::string& chip, const std::string& correct, std::string of = "") {
    return line("{\"point\":\"key\",\"variant\":\"plain\",\"chip\":" + chip + ",\"correct\":[" + correct +
                "],\"counters\":" + (of.empty() ? counters : of));
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = counters;
    return text("0", "1,2", changed.replace(changed.find(from), from.size(), to));
  };
  write(text("65535", "1,2"));
  EXPECT_EQ(complaint(), "");
  const std::pair<std::string, std::string> wrong[] = {
      {text("4294967296", "1,2"), "chip = 4294967296 is out of range (must be in [0, 65535])"},
      {text("-1", "1,2"), "chip = -1 is out of range"},
      {text("1.5", "1,2"), "expected an integer, found a number"},
      {text("18446744073709551616", "1,2"), "is no trial"},
      {text("0", "1,-2"), "correct = -2 is out of range"},
      {text("0", "1e300"), "is no trial"},
      {with("\"mvms\":1", "\"mvms\":-1"), "mvms = -1 is out of range"},
      {with("\"adc_clips\":0", "\"adc_clips\":2"), "adc_clips = 2 is out of range (must be in [0, 1])"},
      {with("\"dac_clips\":0", "\"dac_clips\":2"), "dac_clips = 2 is out of range (must be in [0, 1])"},
      {with("\"pulses\":1,", ""), "the counter 'pulses' is missing"},
      {text("0", "1,2") + text("0", "1,3"), "line 2 is no trial (an earlier line has other results"}};
  for (const auto& [lines, what] : wrong) {
    write(lines);
    EXPECT_NE(complaint().find(what), std::string::npos) << lines << complaint();
  }
}

TEST_F(JournalFile, RefusesTrialsThatARunCannotHave) {
  SweepPoint point;
  point.config.eval.first_chip = 5;
  point.config.eval.chips = 2;
  point.config.eval.times = {25.0};
  point.config.eval.compensation = {EvalCompensation::none, EvalCompensation::global};
  point.config.train.variants = {Variant::plain};
  point.key = point.config.key();
  const TrialRules rules({point}, {100});
  const auto problem = [&](std::uint32_t chip, std::vector<std::int64_t> correct,
                           Variant variant = Variant::plain) {
    return rules.problem({point.config.key(), variant, chip}, {std::move(correct), {}});
  };
  EXPECT_EQ(problem(5, {0, 100}), "");
  EXPECT_EQ(problem(6, {0, 100}), "");
  EXPECT_EQ(problem(4, {0, 1}), "chip = 4 is out of range (must be in [5, 6])");
  EXPECT_EQ(problem(7, {0, 1}), "chip = 7 is out of range (must be in [5, 6])");
  EXPECT_EQ(problem(5, {0, 101}), "correct = 101 is out of range (there are 100 test images)");
  EXPECT_EQ(problem(5, {0}), "correct has 1 values, not one for each of 2 evaluations");
  EXPECT_EQ(problem(5, {0, 1}, Variant::hardware_aware), "the run has no network 'hardware-aware'");
  EXPECT_EQ(rules.problem({"other", Variant::plain, 5}, {{0, 1}, {}}), "it belongs to another run");
}

/// 1 000 journals with up to four bytes changed, removed, doubled or cut off (fixed seed): either they are
/// refused with file and line, or each trial that they have is one that was written.
TEST_F(JournalFile, DamagedAtRandomIsRefusedOrReadsWhatWasWritten) {
  {
    Journal journal(file_);
    for (std::uint32_t chip = 0; chip < 4; ++chip) journal.append(id(chip), trial(20 + chip));
  }
  const std::string text = read_file(file_);
  std::mt19937 random(12);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int refused = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string damaged = text;
    for (std::size_t i = below(4) + 1; i > 0 && !damaged.empty(); --i) {
      const std::size_t at = below(damaged.size()), length = std::min(below(40), damaged.size() - at);
      switch (below(4)) {
        case 0:
          damaged[at] = static_cast<char>(random());
          break;
        case 1:
          damaged.erase(at, length);
          break;
        case 2:
          damaged.insert(at, damaged.substr(at, length));
          break;
        case 3:
          damaged.resize(at);
          break;
      }
    }
    write(damaged);
    try {
      const Journal journal(file_);
      for (std::uint32_t chip = 0; chip < 65536; chip = chip < 8 ? chip + 1 : chip * 2) {
        const ChipTrial* found = journal.find(id(chip));
        if (found == nullptr) continue;
        ASSERT_LT(chip, 4u) << damaged;
        ASSERT_EQ(found->correct, trial(20 + chip).correct) << damaged;
        ASSERT_EQ(found->counters, trial(20 + chip).counters) << damaged;
      }
    } catch (const DataError& error) {
      ++refused;
      ASSERT_NE(std::string(error.what()).find("trials.jsonl, line "), std::string::npos) << error.what();
    }
  }
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace mq
