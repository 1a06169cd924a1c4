#include "meltquench/core/file_lock.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {
namespace fs = std::filesystem;

class Locks : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("mq_locks_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  /// A process that holds a lock until it is killed.
  pid_t start_holder(const std::string& name) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const std::optional<FileLock> lock = FileLock::try_lock(folder_, name);
      while (true) ::pause();
    }
    while (FileLock::holder(folder_, name).empty()) ::usleep(1000);
    return child;
  }
  static void kill(pid_t process) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }

  fs::path folder_;
};

TEST_F(Locks, HaveOneHolderWhoIsNamedAndLeaveNothing) {
  {
    const std::optional<FileLock> first = FileLock::try_lock(folder_, "a");
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->is_supported());
    EXPECT_FALSE(FileLock::try_lock(folder_, "a"));
    EXPECT_TRUE(FileLock::try_lock(folder_, "b"));
    EXPECT_EQ(FileLock::holder(folder_, "a"), this_process());
  }
  EXPECT_EQ(FileLock::holder(folder_, "a"), "");
  EXPECT_TRUE(fs::is_empty(folder_));
  EXPECT_TRUE(FileLock::try_lock(folder_, "a"));
}

TEST_F(Locks, OfAKilledProcessAreFree) {
  const pid_t holder = start_holder("a");
  EXPECT_FALSE(FileLock::try_lock(folder_, "a"));
  EXPECT_NE(FileLock::holder(folder_, "a").find("process " + std::to_string(holder) + " on "),
            std::string::npos);
  kill(holder);
  EXPECT_TRUE(FileLock::try_lock(folder_, "a"));
}

TEST_F(Locks, AreSweptWithTemporaryFilesUnlessTheyAreHeld) {
  kill(start_holder("killed"));
  const pid_t holder = start_holder("held");
  sweep_temporary_files(folder_);
  EXPECT_FALSE(fs::exists(folder_ / ".killed.mq-lock"));
  EXPECT_TRUE(fs::exists(folder_ / ".held.mq-lock"));
  kill(holder);
}

TEST_F(Locks, AreWaitedForUntilTheirHolderEnds) {
  const pid_t holder = start_holder("a");
  std::vector<std::string> told;
  std::jthread killer([&] {
    ::usleep(250000);
    ::kill(holder, SIGKILL);
    ::waitpid(holder, nullptr, 0);
  });
  FileLock::lock(folder_, "a", [&](const std::string& who) { told.push_back(who); });
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find(std::to_string(holder)), std::string::npos) << told[0];
}

TEST_F(Locks, AreNotWaitedForAfterAStopWasRequested) {
  const std::optional<FileLock> lock = FileLock::try_lock(folder_, "a");
  request_stop();
  EXPECT_THROW(FileLock::lock(folder_, "a", [](const std::string&) {}), Interrupted);
  clear_stop_request();
}

TEST_F(Locks, KeepOneAtATimeOfManyProcessesThatTakeThemByTurns) {
  // Each holder removes the file, so that locking and removing race all the time.
  constexpr int kProcesses = 4, kTurns = 50;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    for (int turn = 0; turn < kTurns;) {
      const std::optional<FileLock> lock = FileLock::try_lock(folder_, "a");
      if (!lock) continue;
      if (::mkdir((folder_ / "inside").c_str(), 0700) != 0) ::_exit(1);
      if (::rmdir((folder_ / "inside").c_str()) != 0) ::_exit(2);
      ++turn;
    }
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(Locks, InAFolderThatIsGoneAreAnError) {
  try {
    FileLock::try_lock(folder_ / "gone", "a");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_NE(std::string(error.what()).find("gone: No such file or directory; was it removed"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace mq
