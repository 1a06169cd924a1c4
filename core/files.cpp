#include "meltquench/core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "meltquench/core/contract.h"
#include "meltquench/core/descriptor.h"
#include "meltquench/core/error.h"
#include "meltquench/core/file_lock.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/temporary_file.h"

namespace mq {
namespace fs = std::filesystem;
namespace {

/// More than any config or table; a pipe or device may never end.
constexpr std::size_t kLongestPipe = std::size_t{256} << 20;

constexpr auto kBetweenTries = std::chrono::milliseconds(1);

/// Where the last complete line ends: behind the last line break.
off_t end_of_complete_lines(int file, off_t size) {
  char block[4096];
  off_t end = size;
  while (end > 0) {
    const off_t start = end > static_cast<off_t>(sizeof block) ? end - static_cast<off_t>(sizeof block) : 0;
    const ssize_t count = ::pread(file, block, static_cast<std::size_t>(end - start), start);
    if (count <= 0) return size;
    for (ssize_t i = count; i > 0; --i) {
      if (block[i - 1] == '\n') return start + i;
    }
    end = start;
  }
  return 0;
}

/// "" for a file and for nothing at all.
std::string_view other_kind(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode)) return "";
  if (S_ISDIR(status.st_mode)) return "a folder";
  if (S_ISFIFO(status.st_mode)) return "a pipe";
  return S_ISSOCK(status.st_mode) ? "a socket" : "a device";
}

}  // namespace

std::string read_file(const fs::path& path) {
  const Descriptor file(path, O_RDONLY);
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR)) {
    throw MissingError(fmt::format("{} is not there; check the path", path.string()));
  }
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) {
    throw DataError(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
  }
  if (S_ISDIR(status.st_mode)) throw DataError(fmt::format("cannot read {}: it is a folder", path.string()));
  const bool may_never_end = !S_ISREG(status.st_mode);
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(status.st_size));
  char block[65536];
  while (true) {
    const ssize_t count = ::read(file.get(), block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw DataError(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    if (count == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(count));
    if (may_never_end && bytes.size() > kLongestPipe) {
      throw DataError(
          fmt::format("cannot read {}: it is no file, and it does not end after 256 MiB; give a "
                      "file",
                      path.string()));
    }
  }
}

void check_is_file(const fs::path& path) {
  const std::string_view kind = other_kind(path);
  if (kind.empty()) return;
  throw DataError(
      fmt::format("{} is {} where a file belongs; remove it or choose another place", path.string(), kind));
}

void ensure_writable_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw StorageError(fmt::format("cannot make folder {}: {}{}", folder.string(), error.message(),
                                   way_out(error.value() == ENOENT ? 0 : error.value())));
  }
  sweep_temporary_files(folder);
  const fs::path probe = temporary_name(folder / "probe");
  const Descriptor file(probe, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) {
    throw StorageError(fmt::format("cannot write into folder {}: {}{}", folder.string(), std::strerror(errno),
                                   way_out(errno)));
  }
  ::unlink(probe.c_str());
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  // A rename would put a file in place of the pipe or device, /dev/null for example.
  const std::string_view kind = other_kind(path);
  if (!kind.empty()) {
    throw StorageError(fmt::format("cannot write {}: it is {} and no file; remove it or choose another name",
                                   path.string(), kind));
  }
  sweep_temporary_files(path.parent_path(), path.filename().string());
  TemporaryFile file(path);
  file.write(bytes);
  file.commit();
}

void append_line_durably(const fs::path& path, std::string_view line) {
  MQ_EXPECTS(line.find('\n') == std::string_view::npos);
  check_is_file(path);
  const bool is_new = !fs::exists(path);
  const Descriptor file(path, O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK);
  if (!file.is_open()) throw_storage_error(path, errno);
  // Whoever else appends does so for microseconds, unless that process was stopped right then: Ctrl-C works.
  // Where there are no locks, there is one process.
  while (try_flock(file.get()) == LockResult::held) {
    throw_if_stopped();
    std::this_thread::sleep_for(kBetweenTries);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_storage_error(path, errno);
  if (!is_still_at(file.get(), path)) throw_storage_error(path, ENOENT);
  const off_t end = end_of_complete_lines(file.get(), status.st_size);
  if (end != status.st_size && ::ftruncate(file.get(), end) != 0) throw_storage_error(path, errno);
  const int error = write_all(file.get(), std::string(line) + "\n");
  if (error != 0) {
    // Best effort: if this fails as well, the next append and every reader cut the rest off.
    if (::ftruncate(file.get(), end) != 0) errno = 0;
    throw_storage_error(path, error);
  }
  ::flock(file.get(), LOCK_UN);
  if (::fsync(file.get()) != 0) throw_storage_error(path, errno);
  if (is_new) flush_folder_of(path);
}

std::vector<std::string> read_complete_lines(const fs::path& path) {
  return LineReader(path).read_new_lines();
}

std::vector<std::string> LineReader::read_new_lines() {
  check_is_file(path_);
  const Descriptor file(path_, O_RDONLY | O_NONBLOCK);
  if (!file.is_open() && errno != ENOENT && errno != ENOTDIR) {
    throw DataError(fmt::format("cannot read {}: {}", path_.string(), std::strerror(errno)));
  }
  struct stat status {};
  const bool is_there = file.is_open() && ::fstat(file.get(), &status) == 0;
  const auto size = is_there ? static_cast<std::size_t>(status.st_size) : 0;
  if (size < offset_) {
    throw StorageError(
        fmt::format("{} was removed or cut while it was in use; start again to compute what is "
                    "missing now",
                    path_.string()));
  }
  std::string bytes(size - offset_, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + filled, bytes.size() - filled,
                                  static_cast<off_t>(offset_ + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw DataError(fmt::format("cannot read {}: {}", path_.string(), std::strerror(errno)));
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end; (end = bytes.find('\n', start)) != std::string::npos; start = end + 1) {
    lines.push_back(bytes.substr(start, end - start));
  }
  offset_ += start;
  return lines;
}

}  // namespace mq
