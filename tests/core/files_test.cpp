#include "meltquench/core/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "meltquench/core/error.h"
#include "meltquench/core/log.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace {
namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("mq_files_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::size_t count_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

/// While it lives, no file of this process may grow beyond some size; writing on gives an error, as on a full
/// disk.
class SizeLimit {
 public:
  explicit SizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Files, AFileIsReplacedAsAWhole) {
  const fs::path path = folder_ / "a.txt";
  write_file_atomically(path, "first");
  const std::string bytes = std::string("sec\0nd", 6) + std::string(200000, 'x');
  write_file_atomically(path, bytes);
  EXPECT_EQ(read_file(path), bytes);
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(Files, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const fs::path path = folder_ / "a.txt";
  write_file_atomically(path, "old");
  {
    const SizeLimit limit(1000);
    EXPECT_THROW(write_file_atomically(path, std::string(5000, 'x')), StorageError);
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(Files, ErrorsNameFolderAndReason) {
  try {
    write_file_atomically(folder_ / "none" / "a.txt", "x");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.what(), "cannot write a.txt in folder " + (folder_ / "none").string() +
                                ": No such file or directory; make the folder first");
  }
  write_file_atomically(folder_ / "file", "");
  try {
    ensure_writable_folder(folder_ / "file" / "below");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.what(),
              "cannot make folder " + (folder_ / "file" / "below").string() + ": Not a directory");
  }
  EXPECT_THROW(read_file(folder_), DataError);
  EXPECT_THROW(read_file(folder_ / "absent"), MissingError);
}

TEST_F(Files, AFolderThatMayNotBeWrittenIsAnError) {
  ::chmod(folder_.c_str(), 0555);
  if (::geteuid() == 0) {
    // Root may write anywhere but into the kernel's own folders.
    EXPECT_THROW(ensure_writable_folder("/proc/sys"), StorageError);
  } else {
    EXPECT_THROW(ensure_writable_folder(folder_), StorageError);
    EXPECT_THROW(write_file_atomically(folder_ / "a", "x"), StorageError);
  }
  ::chmod(folder_.c_str(), 0755);
  ensure_writable_folder(folder_ / "new" / "deep");
  EXPECT_TRUE(fs::is_empty(folder_ / "new" / "deep"));
}

TEST_F(Files, LinesAppend) {
  const fs::path path = folder_ / "trials.jsonl";
  EXPECT_TRUE(read_complete_lines(path).empty());
  append_line_durably(path, "one");
  append_line_durably(path, "");
  append_line_durably(path, std::string(10000, 'x'));
  EXPECT_EQ(read_complete_lines(path), (std::vector<std::string>{"one", "", std::string(10000, 'x')}));
}

TEST_F(Files, WhatAKilledWriterLeftIsIgnoredAndCutOff) {
  const fs::path path = folder_ / "trials.jsonl";
  for (const std::string& rest : {std::string("{\"half"), std::string(9000, 'y')}) {
    fs::remove(path);
    append_line_durably(path, "one");
    std::ofstream(path, std::ios::app) << rest;
    EXPECT_EQ(read_complete_lines(path), std::vector<std::string>{"one"});
    append_line_durably(path, "two");
    EXPECT_EQ(read_file(path), "one\ntwo\n");
  }
  std::ofstream(path, std::ios::trunc) << "no line break at all";
  append_line_durably(path, "first");
  EXPECT_EQ(read_file(path), "first\n");
}

TEST_F(Files, ALineThatDoesNotFitIsTakenBack) {
  const fs::path path = folder_ / "trials.jsonl";
  append_line_durably(path, "one");
  {
    const SizeLimit limit(100);
    EXPECT_THROW(append_line_durably(path, std::string(500, 'x')), StorageError);
  }
  EXPECT_EQ(read_file(path), "one\n");
}

TEST_F(Files, LogsGoToTheStreamByLevelAndToTheFileInFull) {
  std::ostringstream out;
  Log log(out, LogLevel::info);
  log.also_to(folder_ / "log.txt");
  log.info("chip 3 of 25");
  log.warning("slow disk");
  log.debug("detail");
  EXPECT_EQ(out.str(), "chip 3 of 25\nwarning: slow disk\n");
  const std::vector<std::string> lines = read_complete_lines(folder_ / "log.txt");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[2].substr(19), "Z debug: detail");
  EXPECT_THROW(log.also_to(folder_ / "none" / "log.txt"), StorageError);
}

TEST(Stop, ARequestEndsTheNextUnitOfWork) {
  clear_stop_request();
  throw_if_stopped();
  request_stop();
  EXPECT_TRUE(stop_requested());
  EXPECT_THROW(throw_if_stopped(), Interrupted);
  clear_stop_request();
  throw_if_stopped();
}

TEST(StopDeathTest, TheFirstInterruptAsksTheSecondEnds) {
  EXPECT_EXIT(
      {
        install_interrupt_handler();
        std::raise(SIGINT);
        if (!stop_requested()) std::_Exit(1);
        std::raise(SIGINT);
        std::_Exit(2);
      },
      testing::ExitedWithCode(130), "");
}

}  // namespace
}  // namespace mq
