#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "program_run.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

// A name that a shell must not take apart, so that the printed command shows its quotes.
constexpr const char* kConfig = "it's tiny.toml";

/// Sends SIGINT as soon as `is_time()`, and waits for the end; a minute at most.
Ended interrupt_when(const Workplace& here, const std::vector<std::string>& words,
                     const std::function<bool()>& is_time) {
  const pid_t program = here.start(words);
  for (int i = 0; i < 12000 && !is_time(); ++i) ::usleep(5000);
  ::kill(program, SIGINT);
  return here.wait(program);
}

/// The last line of the message: what the user is told to type.
std::string resume_line(const Ended& ended) {
  const std::size_t end = ended.err.find_last_not_of('\n');
  const std::size_t start = ended.err.rfind('\n', end);
  return ended.err.substr(start + 1, end - start);
}

/// Finishes what was interrupted, and expects what an uninterrupted run of `words` gives.
void expect_resumes(const Workplace& here, const Ended& interrupted, std::vector<std::string> words) {
  ASSERT_EQ(interrupted.code, 130) << interrupted.err;
  EXPECT_EQ(interrupted.out, "");
  for (const std::string& name : here.files()) EXPECT_FALSE(name.ends_with(".tmp")) << name;
  const Ended resumed = here.shell(resume_line(interrupted));
  ASSERT_EQ(resumed.code, 0) << resume_line(interrupted) << "\n" << resumed.err;
  words.insert(words.end(), {"--output", "other"});
  const Ended straight = here.run(words);
  ASSERT_EQ(straight.code, 0) << straight.err;
  EXPECT_EQ(parse_json(resumed.out).at("digest"), parse_json(straight.out).at("digest"));
  const Value computed = parse_json(resumed.out).at("computed"),
              all = parse_json(straight.out).at("computed");
  EXPECT_LE(computed.as_integer(), all.as_integer());
}

TEST(Interrupt, OfASweepSavesFinishedChipsAndSaysHowToGoOn) {
  const Workplace here;
  here.write(kConfig, kTiny);
  const std::vector<std::string> words = {"sweep", kConfig,         "adc.bits=4,8",
                                          "--set", "eval.chips=60", "--threads",
                                          "1",     "--json",        "--progress=none"};
  const auto finished = [&]() -> std::size_t {
    if (!fs::exists(here.folder() / "work" / "runs")) return 0;
    for (const auto& entry : fs::directory_iterator(here.folder() / "work" / "runs")) {
      if (fs::exists(entry.path() / "trials.jsonl"))
        return read_complete_lines(entry.path() / "trials.jsonl").size();
    }
    return 0;
  };
  const Ended ended = interrupt_when(here, words, [&] { return finished() >= 3; });
  const std::size_t saved = finished();
  EXPECT_GE(saved, 3u);
  EXPECT_LT(saved, 120u) << "it was over before it was interrupted";
  EXPECT_NE(ended.err.find("stopped: " + std::to_string(saved) + " of 120 chips are saved in runs/tiny-"),
            std::string::npos)
      << ended.err;
  expect_resumes(here, ended, words);
}

TEST(Interrupt, OfATrainingGoesOnWhereItStood) {
  const Workplace here;
  here.write(kConfig, kTiny);
  const std::vector<std::string> words = {"run",    kConfig,         "--set", "train.epochs=80",
                                          "--json", "--progress=log"};
  const Ended ended = interrupt_when(here, words, [&] {
    return fs::exists(here.folder() / "err") &&
           read_file(here.folder() / "err").find("Training") != std::string::npos;
  });
  EXPECT_NE(ended.err.find("stopped: 0 of 2 chips are saved"), std::string::npos) << ended.err;
  expect_resumes(here, ended, words);
}

}  // namespace
}  // namespace mq
