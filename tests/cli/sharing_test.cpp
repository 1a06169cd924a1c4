#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <set>

#include "meltquench/core/digest.h"
#include "meltquench/core/file_lock.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "program_run.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

constexpr int kChips = 60;
const std::string kRun = "meltquench run tiny.toml --json --threads 1 --set eval.chips=60";

/// Waits for something that another process does; a minute at most.
void await(const std::function<bool()>& is_there) {
  for (int i = 0; i < 12000 && !is_there(); ++i) ::usleep(5000);
}

fs::path journal_of(const Workplace& here) {
  const fs::path runs = here.folder() / "work" / "runs";
  if (!fs::exists(runs)) return {};
  for (const auto& entry : fs::directory_iterator(runs)) {
    if (entry.path().filename().string().starts_with("tiny-")) return entry.path() / "trials.jsonl";
  }
  return {};
}

std::size_t finished(const Workplace& here) {
  const fs::path journal = journal_of(here);
  return journal.empty() ? 0 : read_complete_lines(journal).size();
}

std::string digest_of(const std::string& json) { return parse_json(json).at("digest").as_text(); }

/// Each chip once, whole.
void expect_whole_journal(const Workplace& here, std::size_t count = kChips) {
  std::set<std::int64_t> chips;
  for (const std::string& line : read_complete_lines(journal_of(here))) {
    EXPECT_TRUE(chips.insert(parse_json(line).at("chip").as_integer()).second) << "computed twice: " << line;
  }
  EXPECT_EQ(chips.size(), count);
}

class Sharing : public testing::Test {
 protected:
  Sharing() { here_.write("tiny.toml", kTiny); }
  Workplace here_;
};

TEST_F(Sharing, TwoProcessesComputeEachChipOnceAndBothEndWithAll) {
  // Long enough that neither does all before the other has begun, on a busy machine as well.
  const std::string run = "meltquench run tiny.toml --json --threads 1 --set eval.chips=400";
  const Ended ended = here_.shell("(" + run + " >1.json 2>1.err; echo $? >1.code) & " + run +
                                  " >2.json 2>2.err; echo $? >2.code; wait");
  ASSERT_EQ(ended.code, 0);
  EXPECT_EQ(here_.read("1.code") + here_.read("2.code"), "0\n0\n")
      << here_.read("1.err") << here_.read("2.err");
  const Value one = parse_json(here_.read("1.json")), two = parse_json(here_.read("2.json"));
  EXPECT_EQ(one.at("computed").as_integer() + two.at("computed").as_integer(), 400);
  EXPECT_GT(one.at("computed").as_integer(), 0);
  EXPECT_GT(two.at("computed").as_integer(), 0);
  EXPECT_EQ(one.at("rows"), two.at("rows"));
  EXPECT_EQ(one.at("digest"), two.at("digest"));
  expect_whole_journal(here_, 400);
  for (const char* file : {"1.err", "2.err"}) {
    EXPECT_NE(here_.read(file).find("shares its trials with process "), std::string::npos)
        << here_.read(file);
  }
  // One of them trained, the other waited for that or came later.
  const std::string said = here_.read("1.err") + here_.read("2.err");
  EXPECT_EQ(said.find("Training, plain"), said.rfind("Training, plain: 0/")) << said;
  for (const std::string& name : here_.files()) {
    EXPECT_FALSE(name.ends_with(".tmp") || name.ends_with(".mq-lock")) << name;
  }
  const Ended straight = here_.shell(run + " --output other");
  EXPECT_EQ(digest_of(straight.out), one.at("digest").as_text());
}

/// One of two processes is killed at 8 moments (fixed seed), during training, chips or results.
TEST_F(Sharing, WhatAKilledProcessLeavesTheOtherFinishes) {
  const std::string digest = digest_of(here_.shell(kRun + " --output other").out);
  std::mt19937 random(3);
  for (int round = 0; round < 8; ++round) {
    fs::remove_all(here_.folder() / "work" / "runs");
    const double delay = 0.02 + 0.001 * static_cast<double>(random() % 500);
    const std::string first = kRun + " >1.json 2>1.err", second = kRun + " >2.json 2>2.err";
    const Ended ended = here_.shell(first + " & a=$!; sleep 0.02; " + second + " & b=$!; sleep " +
                                    std::to_string(delay) + "; kill -9 " + (round % 2 == 0 ? "$a" : "$b") +
                                    "; wait " + (round % 2 == 0 ? "$b" : "$a"));
    const std::string survivor = round % 2 == 0 ? "2" : "1";
    ASSERT_EQ(ended.code, 0) << "after " << delay << " s: " << here_.read(survivor + ".err");
    EXPECT_EQ(digest_of(here_.read(survivor + ".json")), digest) << "after " << delay << " s";
    expect_whole_journal(here_);
    ASSERT_EQ(here_.shell(kRun).code, 0);  // sweeps
    for (const std::string& name : here_.files()) {
      EXPECT_FALSE(name.ends_with(".tmp") || name.ends_with(".mq-lock")) << name;
    }
  }
}

TEST_F(Sharing, AProcessThatWaitsForATrainingSaysSoAndCanBeInterrupted) {
  const std::string train = "meltquench run tiny.toml --set train.epochs=4000 --threads 1";
  const Ended ended = here_.shell(
      train + " 2>1.err & a=$!; timeout 60 sh -c 'until grep -q Training 1.err; do sleep 0.02; done'; " +
      train +
      " 2>2.err & b=$!; timeout 60 sh -c 'until grep -q waits 2.err; do sleep 0.02; done'; "
      "kill -INT $b; wait $b; code=$?; kill -9 $a; exit $code");
  EXPECT_EQ(ended.code, 130) << here_.read("2.err");
  EXPECT_NE(here_.read("2.err").find(", which trains the plain network; stop with Ctrl-C"), std::string::npos)
      << here_.read("2.err");
}

TEST_F(Sharing, AProcessThatWaitsForTheLastChipsSaysSoAndFinishesThoseThatAreGivenUp) {
  ASSERT_EQ(here_.run({"run", "tiny.toml"}).code, 0);
  const std::vector<std::string> lines = read_complete_lines(journal_of(here_));
  ASSERT_EQ(lines.size(), 2u);
  std::ofstream(journal_of(here_), std::ios::trunc) << lines[0] << '\n';
  const Value missing = parse_json(lines[1]);
  const std::string id =
      missing.at("point").as_text() + " plain " + std::to_string(missing.at("chip").as_integer());
  std::optional<FileLock> claim =
      FileLock::try_lock(journal_of(here_).parent_path(), "trial-" + sha256(id).substr(0, 16));
  ASSERT_TRUE(claim);
  const pid_t program = here_.start({"run", "tiny.toml", "--json"});
  await([&] {
    return read_file(here_.folder() / "err").find("waits for the last chips") != std::string::npos;
  });
  claim.reset();
  const Ended ended = here_.wait(program);
  EXPECT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.err.find("shares its trials with " + this_process()), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("waits for the last chips"), std::string::npos) << ended.err;
  EXPECT_EQ(parse_json(ended.out).at("computed").as_integer(), 1);
  EXPECT_EQ(read_complete_lines(journal_of(here_)), lines);
}

TEST_F(Sharing, AFolderThatIsRemovedMeanwhileIsAnErrorAndNoSuccess) {
  const pid_t program = here_.start({"run", "tiny.toml", "--threads", "1", "--set", "eval.chips=2000"});
  await([&] { return finished(here_) >= 3; });
  fs::rename(here_.folder() / "work" / "runs", here_.folder() / "gone");  // at once, as a whole
  const Ended ended = here_.wait(program);
  EXPECT_EQ(ended.code, 4) << ended.err;
  EXPECT_NE(ended.err.find("error: "), std::string::npos);
  EXPECT_NE(ended.err.find("runs/tiny-"), std::string::npos) << ended.err;
}

TEST_F(Sharing, AJournalThatIsRemovedMeanwhileIsAnError) {
  const pid_t program = here_.start({"run", "tiny.toml", "--threads", "1", "--set", "eval.chips=2000"});
  await([&] { return finished(here_) >= 3; });
  fs::remove(journal_of(here_));
  const Ended ended = here_.wait(program);
  EXPECT_EQ(ended.code, 4) << ended.err;
  EXPECT_NE(ended.err.find("trials.jsonl was removed or cut while it was in use"), std::string::npos)
      << ended.err;
}

TEST_F(Sharing, WhateverStandsInPlaceOfAFileIsNamedAndNothingHangs) {
  ASSERT_EQ(here_.run({"run", "tiny.toml"}).code, 0);
  const fs::path folder = here_.run_folder("tiny"), full = here_.folder() / "work" / folder;
  for (const char* name :
       {"trials.jsonl", "config.toml", "arrays.h5", "results.csv", "manifest.json", "report.html"}) {
    for (const bool is_pipe : {true, false}) {
      fs::rename(full / name, here_.folder() / "kept");
      if (is_pipe) {
        ASSERT_EQ(::mkfifo((full / name).c_str(), 0600), 0);
      } else {
        fs::create_directories(full / name);
      }
      for (const char* command : {"run tiny.toml", "report", "show"}) {
        const bool is_run = command == std::string("run tiny.toml");
        const Ended ended = here_.shell(std::string("timeout 20 meltquench ") + command +
                                        (is_run ? "" : " " + folder.string()));
        // `show` reads only some of them.
        if (command == std::string("show") && ended.code == 0) continue;
        EXPECT_TRUE(ended.code == 1 || ended.code == 4) << command << ", " << name << ": " << ended.code;
        EXPECT_NE(ended.err.find(name), std::string::npos) << ended.err;
        EXPECT_NE(ended.err.find(is_pipe ? "is a pipe" : "is a folder"), std::string::npos) << ended.err;
      }
      fs::remove(full / name);
      fs::rename(here_.folder() / "kept", full / name);
    }
  }
  EXPECT_EQ(here_.run({"run", "tiny.toml"}).code, 0);
}

TEST_F(Sharing, ALimitOfFileSizesEndsARunWithASentence) {
  for (const int blocks : {1, 8, 40}) {
    const Ended ended =
        here_.shell("ulimit -f " + std::to_string(blocks) + "; " + kRun + " --output limited");
    if (ended.code == 0) continue;
    EXPECT_EQ(ended.code, 4) << ended.err;
    EXPECT_NE(ended.err.find("File too large; raise the limit of file sizes"), std::string::npos)
        << ended.err;
    EXPECT_NE(ended.err.find("limited/"), std::string::npos) << ended.err;
  }
  EXPECT_EQ(here_.shell(kRun + " --output limited").code, 0);
}

TEST_F(Sharing, AccuraciesThatCannotBeAreNotReported) {
  ASSERT_EQ(here_.run({"run", "tiny.toml"}).code, 0);
  const fs::path journal = journal_of(here_);
  const std::string text = read_file(journal);
  std::string changed = text;
  changed.insert(text.find("\"correct\":[") + 11, "-9");
  std::ofstream(journal, std::ios::trunc) << changed;
  for (const char* words : {"run tiny.toml", "run tiny.toml --dry-run", "report runs/tiny-*"}) {
    const Ended ended = here_.shell(std::string("meltquench ") + words);
    EXPECT_EQ(ended.code, 1) << words;
    EXPECT_NE(ended.err.find("trials.jsonl, line 1 is no trial"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("remove the line to compute that chip again"), std::string::npos) << ended.err;
  }
  std::ofstream(journal, std::ios::trunc) << text.substr(text.find('\n') + 1);  // as the sentence says
  EXPECT_EQ(here_.run({"run", "tiny.toml"}).code, 0);
}

}  // namespace
}  // namespace mq
