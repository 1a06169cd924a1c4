#include "program_run.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "meltquench/core/files.h"

namespace mq {

namespace fs = std::filesystem;

Workplace::Workplace() {
  std::string name = (fs::temp_directory_path() / "meltquench-cli-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  folder_ = name;
  fs::create_directory(folder_ / "work");
}

Workplace::~Workplace() {
  std::error_code failure;
  fs::remove_all(folder_, failure);
}

void Workplace::write(const std::string& name, const std::string& text) const {
  fs::create_directories((folder_ / "work" / name).parent_path());
  std::ofstream(folder_ / "work" / name, std::ios::binary) << text;
}

std::string Workplace::read(const fs::path& relative) const { return read_file(folder_ / "work" / relative); }

std::vector<std::string> Workplace::files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "work")) {
    names.push_back(fs::relative(entry.path(), folder_ / "work").string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path Workplace::run_folder(const std::string& name) const {
  fs::path found;
  for (const auto& entry : fs::directory_iterator(folder_ / "work" / "runs")) {
    if (!entry.path().filename().string().starts_with(name + "-")) continue;
    EXPECT_TRUE(found.empty()) << "two folders of " << name;
    found = fs::path("runs") / entry.path().filename();
  }
  EXPECT_FALSE(found.empty()) << "no folder of " << name;
  return found;
}

pid_t Workplace::spawn(const std::vector<std::string>& words) const {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const std::string work = (folder_ / "work").string(), out = (folder_ / "out").string(),
                    err = (folder_ / "err").string();
  const std::string path = fs::path(MQ_PROGRAM).parent_path().string() + ":" + std::getenv("PATH");
  const pid_t child = ::fork();
  if (child != 0) return child;
  const auto redirect = [](const std::string& file, int to) {
    return ::dup2(::open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600), to) == to;
  };
  if (::chdir(work.c_str()) != 0 || !redirect(out, STDOUT_FILENO) || !redirect(err, STDERR_FILENO))
    ::_exit(99);
  ::setenv("PATH", path.c_str(), 1);
  ::execvp(arguments[0], arguments.data());
  ::_exit(98);
}

pid_t Workplace::start(const std::vector<std::string>& words) const {
  std::vector<std::string> line = {MQ_PROGRAM};
  line.insert(line.end(), words.begin(), words.end());
  return spawn(line);
}

Ended Workplace::wait(pid_t program) const {
  int status = 0;
  ::waitpid(program, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "out"),
          read_file(folder_ / "err")};
}

Ended Workplace::run(const std::vector<std::string>& words) const { return wait(start(words)); }

Ended Workplace::shell(const std::string& line) const { return wait(spawn({"/bin/sh", "-c", line})); }

}  // namespace mq
