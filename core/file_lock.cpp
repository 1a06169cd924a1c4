#include "meltquench/core/file_lock.h"

#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"

namespace mq {
namespace fs = std::filesystem;
namespace {

/// So often a file may be removed between opening and locking it. A file system whose files change their
/// identity has no locks that mean something.
constexpr int kAttempts = 1000;
constexpr auto kBetweenLooks = std::chrono::milliseconds(100);

fs::path lock_path(const fs::path& folder, const std::string& name) {
  return folder / fmt::format(".{}.mq-lock", name);
}

/// For messages only, so that nothing depends on its being written.
void write_holder(int file) {
  const std::string text = this_process();
  if (::ftruncate(file, 0) != 0 || ::pwrite(file, text.data(), text.size(), 0) < 0) errno = 0;
}

}  // namespace

std::string this_process() {
  char host[256] = {};
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') std::strcpy(host, "this machine");
  return fmt::format("process {} on {}", ::getpid(), host);
}

LockResult try_flock(int file, LockKind kind) {
  while (::flock(file, (kind == LockKind::shared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    return errno == EWOULDBLOCK ? LockResult::held : LockResult::unsupported;
  }
  return LockResult::locked;
}

bool is_still_at(int file, const fs::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(file, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

std::optional<FileLock> FileLock::try_lock(const fs::path& folder, const std::string& name) {
  const fs::path path = lock_path(folder, name);
  for (int attempt = 1;; ++attempt) {
    // Never a pipe or another file that a link leads to.
    Descriptor file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK);
    if (!file.is_open()) {
      throw StorageError(
          fmt::format("cannot write into folder {}: {}; was it removed, or may you not write "
                      "there?",
                      folder.string(), std::strerror(errno)));
    }
    const LockResult result = try_flock(file.get());
    if (result == LockResult::held) return std::nullopt;
    // A holder before us may have removed the file after we opened it: then this is nobody's lock.
    const bool is_ours = result == LockResult::locked && is_still_at(file.get(), path);
    if (result == LockResult::locked && !is_ours && attempt < kAttempts) continue;
    write_holder(file.get());
    return FileLock(path, std::move(file), is_ours);
  }
}

FileLock FileLock::lock(const fs::path& folder, const std::string& name,
                        const std::function<void(const std::string& holder)>& on_wait) {
  std::string last;
  while (true) {
    if (std::optional<FileLock> lock = try_lock(folder, name)) return std::move(*lock);
    const std::string now = holder(folder, name);
    if (!now.empty() && now != last) on_wait(last = now);
    throw_if_stopped();
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

std::string FileLock::holder(const fs::path& folder, const std::string& name) {
  const Descriptor file(lock_path(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  char text[320];
  const ssize_t size = file.is_open() ? ::pread(file.get(), text, sizeof text, 0) : 0;
  return std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0);
}

FileLock::~FileLock() {
  if (file_.is_open()) ::unlink(path_.c_str());  // while it is locked: whoever opened it looks again
}

}  // namespace mq
