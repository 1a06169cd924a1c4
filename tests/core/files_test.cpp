#include "meltquench/core/files.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <functional>
#include <sstream>

#include "meltquench/core/error.h"
#include "meltquench/core/log.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/storage.h"
#include "meltquench/core/temporary_file.h"

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

TEST_F(Files, ALimitOfFileSizesIsNamed) {
  const SizeLimit limit(1000);
  try {
    write_file_atomically(folder_ / "a.txt", std::string(5000, 'x'));
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_NE(std::string(error.what()).find("File too large; raise the limit of file sizes"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(Files, WhatKilledProcessesLeftIsSweptAndNothingElse) {
  const std::vector<std::string> others = {"notes.tmp",        ".notes.tmp", ".a.12.tmp",  ".a.x-1.tmp",
                                           ".a.12-.tmp",       ".12-3.tmp",  "a.12-3.tmp", ".a.12-3.tmp.txt",
                                           ".a.12-3.tmp.d/in", ".a.lock",    ".mq-lock"};
  fs::create_directories(folder_ / ".a.12-3.tmp.d");
  fs::create_directories(folder_ / ".folder.12-3.tmp");
  for (const std::string& name : others) std::ofstream(folder_ / name) << "x";
  fs::create_symlink("notes.tmp", folder_ / ".link.12-3.tmp");
  for (const char* name : {".a.txt.12-3.tmp", ".b.h5.99999999-0.tmp", ".c.mq-lock"}) {
    std::ofstream(folder_ / name) << "x";
  }
  write_file_atomically(folder_ / "a.txt", "sweeps only what is its own");
  EXPECT_FALSE(fs::exists(folder_ / ".a.txt.12-3.tmp"));
  EXPECT_TRUE(fs::exists(folder_ / ".b.h5.99999999-0.tmp"));
  ensure_writable_folder(folder_);
  EXPECT_FALSE(fs::exists(folder_ / ".b.h5.99999999-0.tmp"));
  EXPECT_FALSE(fs::exists(folder_ / ".c.mq-lock"));
  for (const std::string& name : others) EXPECT_TRUE(fs::exists(folder_ / name)) << name;
  EXPECT_TRUE(fs::exists(folder_ / ".folder.12-3.tmp"));
  EXPECT_TRUE(fs::is_symlink(folder_ / ".link.12-3.tmp"));
}

TEST_F(Files, WhatIsBeingWrittenIsNotSwept) {
  TemporaryFile file(folder_ / "a.txt");
  file.write("half");
  sweep_temporary_files(folder_);
  file.commit();
  EXPECT_EQ(read_file(folder_ / "a.txt"), "half");
}

TEST_F(Files, WritersAndSweepersAtOnceLoseNothing) {
  std::vector<pid_t> children;
  for (int i = 0; i < 3; ++i) {
    children.push_back(::fork());
    if (children.back() != 0) continue;
    try {
      for (int k = 0; k < 100; ++k) {
        write_file_atomically(folder_ / "a.txt", std::string(100, 'a' + i));
        sweep_temporary_files(folder_);
      }
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(count_files(), 1u);
  EXPECT_EQ(read_file(folder_ / "a.txt").size(), 100u);
}

TEST_F(Files, APipeAFolderOrADeviceInPlaceOfAFileIsNamed) {
  ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
  fs::create_directories(folder_ / "folder");
  const std::pair<fs::path, std::string> places[] = {
      {folder_ / "pipe", "is a pipe"}, {folder_ / "folder", "is a folder"}, {"/dev/null", "is a device"}};
  for (const auto& place : places) {
    const fs::path& path = place.first;
    const std::string& what = place.second;
    const std::function<void()> calls[] = {
        [&] { read_complete_lines(path); }, [&] { append_line_durably(path, "x"); },
        [&] { check_is_file(path); }, [&] { write_file_atomically(path, "x"); },
        [&] { H5Reader(path, "", 1); }};
    for (const auto& call : calls) {
      try {
        call();
        FAIL() << path;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
        EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
      }
    }
  }
  EXPECT_TRUE(fs::is_fifo(folder_ / "pipe"));
}

TEST_F(Files, LinesOfTwoProcessesStayWhole) {
  const fs::path path = folder_ / "trials.jsonl";
  const std::string lines[] = {std::string(3000, 'a'), std::string(5000, 'b')};
  const pid_t child = ::fork();
  for (int i = 0; i < 50; ++i) append_line_durably(path, lines[child == 0 ? 0 : 1]);
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  const std::vector<std::string> read = read_complete_lines(path);
  EXPECT_EQ(std::count(read.begin(), read.end(), lines[0]), 50);
  EXPECT_EQ(std::count(read.begin(), read.end(), lines[1]), 50);
  EXPECT_EQ(read.size(), 100u);
}

TEST_F(Files, AReaderOfLinesReadsOnAndMissesWhatWasRemoved) {
  const fs::path path = folder_ / "trials.jsonl";
  LineReader reader(path);
  EXPECT_TRUE(reader.read_new_lines().empty());
  append_line_durably(path, "one");
  append_line_durably(path, "two");
  EXPECT_EQ(reader.read_new_lines(), (std::vector<std::string>{"one", "two"}));
  std::ofstream(path, std::ios::app) << "half";
  EXPECT_TRUE(reader.read_new_lines().empty());
  std::ofstream(path, std::ios::app) << " and half\n";
  EXPECT_EQ(reader.read_new_lines(), std::vector<std::string>{"half and half"});
  fs::resize_file(path, 5);
  EXPECT_THROW(reader.read_new_lines(), StorageError);
  fs::remove(path);
  EXPECT_THROW(reader.read_new_lines(), StorageError);
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
