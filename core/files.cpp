#include "meltquench/core/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"

namespace mq {
namespace fs = std::filesystem;
namespace {

/// An open file; closes itself.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  bool is_open() const { return value_ >= 0; }
  int get() const { return value_; }

 private:
  int value_;
};

std::string way_out(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "; free some space or write to another folder";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; choose a folder that you may write to";
    case ENOENT:
      return "; make the folder first";
    default:
      return "";
  }
}

[[noreturn]] void throw_storage_error(const fs::path& path, int error) {
  const bool is_in_here = !path.has_parent_path();
  throw StorageError(fmt::format("cannot write {} in folder {}: {}{}", path.filename().string(),
                                 is_in_here ? "." : path.parent_path().string(), std::strerror(error),
                                 way_out(error)));
}

/// 0 or errno.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Makes a new name in a folder durable. Some file systems cannot flush a folder; that is no error.
void flush_folder_of(const fs::path& path) {
  const Descriptor folder(path.has_parent_path() ? path.parent_path() : fs::path("."),
                          O_RDONLY | O_DIRECTORY);
  if (folder.is_open()) ::fsync(folder.get());
}

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

/// A name in the same folder that no other process or thread uses.
fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> count{0};
  return path.parent_path() / fmt::format(".{}.{}-{}.tmp", path.filename().string(), ::getpid(), count++);
}

/// Flushes a finished temporary file to disk and gives it its name; removes it if that fails.
void commit_file(const fs::path& temporary, const fs::path& path) {
  int error = 0;
  {
    const Descriptor file(temporary, O_RDONLY);
    if (!file.is_open() || ::fsync(file.get()) != 0) error = errno;
  }
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    throw_storage_error(path, error);
  }
  flush_folder_of(path);
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
  std::string bytes;
  bytes.reserve(static_cast<std::size_t>(status.st_size));
  char block[65536];
  while (true) {
    const ssize_t count = ::read(file.get(), block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw DataError(fmt::format("cannot read {}: {}", path.string(), std::strerror(errno)));
    if (count == 0) return bytes;
    bytes.append(block, static_cast<std::size_t>(count));
  }
}

void ensure_writable_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw StorageError(fmt::format("cannot make folder {}: {}{}", folder.string(), error.message(),
                                   way_out(error.value() == ENOENT ? 0 : error.value())));
  }
  const fs::path probe = temporary_name(folder / "probe");
  const Descriptor file(probe, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.is_open()) {
    throw StorageError(fmt::format("cannot write into folder {}: {}{}", folder.string(), std::strerror(errno),
                                   way_out(errno)));
  }
  ::unlink(probe.c_str());
}

void write_file_atomically(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = temporary_name(path);
  int error = 0;
  {
    const Descriptor file(temporary, O_WRONLY | O_CREAT | O_EXCL);
    if (!file.is_open()) throw_storage_error(path, errno);
    error = write_all(file.get(), bytes);
  }
  if (error != 0) {
    ::unlink(temporary.c_str());
    throw_storage_error(path, error);
  }
  commit_file(temporary, path);
}

void append_line_durably(const fs::path& path, std::string_view line) {
  MQ_EXPECTS(line.find('\n') == std::string_view::npos);
  const bool is_new = !fs::exists(path);
  const Descriptor file(path, O_RDWR | O_CREAT | O_APPEND);
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) throw_storage_error(path, errno);
  const off_t end = end_of_complete_lines(file.get(), status.st_size);
  if (end != status.st_size && ::ftruncate(file.get(), end) != 0) throw_storage_error(path, errno);
  int error = write_all(file.get(), std::string(line) + "\n");
  if (error == 0 && ::fsync(file.get()) != 0) error = errno;
  if (error != 0) {
    // Best effort: if this fails as well, the next append and every reader cut the rest off.
    if (::ftruncate(file.get(), end) != 0) errno = 0;
    throw_storage_error(path, error);
  }
  if (is_new) flush_folder_of(path);
}

std::vector<std::string> read_complete_lines(const fs::path& path) {
  std::vector<std::string> lines;
  if (!fs::exists(path)) return lines;
  const std::string bytes = read_file(path);
  std::size_t start = 0;
  for (std::size_t end; (end = bytes.find('\n', start)) != std::string::npos; start = end + 1) {
    lines.push_back(bytes.substr(start, end - start));
  }
  return lines;
}

}  // namespace mq
