/// Runs the program in a folder of its own and keeps what it says.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace mq {

struct Ended {
  int code = -1;  ///< exit code; -1: ended by a signal
  std::string out, err;
};

/// A new folder, which the program runs in; removed at the end of the test.
class Workplace {
 public:
  Workplace();
  ~Workplace();
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  const std::filesystem::path& folder() const { return folder_; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::filesystem::path& relative) const;
  /// Paths of all files, relative and sorted.
  std::vector<std::string> files() const;
  /// The one folder `runs/NAME-*`, relative.
  std::filesystem::path run_folder(const std::string& name) const;

  /// meltquench WORDS...
  Ended run(const std::vector<std::string>& words) const;
  /// A line for /bin/sh, to which `meltquench` is on PATH.
  Ended shell(const std::string& line) const;

  /// For tests that send signals: starts the program, and waits for its end.
  pid_t start(const std::vector<std::string>& words) const;
  Ended wait(pid_t program) const;

 private:
  pid_t spawn(const std::vector<std::string>& words) const;

  std::filesystem::path folder_;
};

/// A config that runs in a fraction of a second.
inline constexpr const char* kTiny = R"(name = "tiny"
seed = 3
[data]
name = "synthetic"
train_images = 200
test_images = 60
[model]
layers = [16]
[train]
variants = ["plain"]
epochs = 1
[tile]
rows = 100
[eval]
times = ["25 s", "1 year"]
chips = 2
calibration_images = 50
)";

}  // namespace mq
