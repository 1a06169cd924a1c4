#include "meltquench/core/temporary_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "meltquench/core/error.h"
#include "meltquench/core/file_lock.h"
#include "meltquench/core/files.h"

namespace mq {
namespace fs = std::filesystem;
namespace {

/// The NAME of `.NAME.PID-N.tmp` and `.NAME.mq-lock`; empty for all other files.
std::string_view swept_name(std::string_view file) {
  const auto cut_digits = [&](char before) {
    const std::size_t end = file.find_last_not_of("0123456789");
    const bool is_there = end != std::string_view::npos && end + 1 < file.size() && file[end] == before;
    file = is_there ? file.substr(0, end) : std::string_view{};
  };
  if (!file.starts_with('.')) return {};
  file.remove_prefix(1);
  if (file.ends_with(".mq-lock")) return file.substr(0, file.size() - 8);
  if (!file.ends_with(".tmp")) return {};
  file.remove_suffix(4);
  cut_digits('-');
  cut_digits('.');
  return file;
}

}  // namespace

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
    case EFBIG:
      return "; raise the limit of file sizes (`ulimit -f unlimited`)";
    case EISDIR:
      return "; a folder is in the way, remove it or choose another name";
    default:
      return "";
  }
}

void throw_storage_error(const fs::path& path, int error) {
  const bool is_in_here = !path.has_parent_path();
  throw StorageError(fmt::format("cannot write {} in folder {}: {}{}", path.filename().string(),
                                 is_in_here ? "." : path.parent_path().string(), std::strerror(error),
                                 way_out(error)));
}

int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

void flush_folder_of(const fs::path& path) {
  const Descriptor folder(path.has_parent_path() ? path.parent_path() : fs::path("."),
                          O_RDONLY | O_DIRECTORY);
  if (folder.is_open()) ::fsync(folder.get());
}

fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> count{0};
  return path.parent_path() / fmt::format(".{}.{}-{}.tmp", path.filename().string(), ::getpid(), count++);
}

TemporaryFile::TemporaryFile(const fs::path& target) : target_(target) {
  while (true) {
    path_ = temporary_name(target);
    file_ = Descriptor(path_, O_WRONLY | O_CREAT | O_EXCL);
    if (!file_.is_open() && errno != EEXIST) throw_storage_error(target, errno);
    // The name of a process that was killed on another machine or in another container.
    if (!file_.is_open()) continue;
    // Shared: HDF5 locks what it reads in the same way, also just after the file got its name.
    const LockResult result = try_flock(file_.get(), LockKind::shared);
    if (result == LockResult::unsupported) return;  // then nobody sweeps
    // Another process may sweep it before it is locked: then it has no name, or soon will have none.
    if (result == LockResult::locked && is_still_at(file_.get(), path_)) return;
  }
}

TemporaryFile::~TemporaryFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void TemporaryFile::write(std::string_view bytes) {
  const int error = write_all(file_.get(), bytes);
  if (error != 0) throw_storage_error(target_, error);
}

void TemporaryFile::commit() {
  if (::fsync(file_.get()) != 0 || std::rename(path_.c_str(), target_.c_str()) != 0) {
    throw_storage_error(target_, errno);
  }
  path_.clear();
  flush_folder_of(target_);
}

void sweep_temporary_files(const fs::path& folder, std::string_view name) {
  std::error_code error;
  for (fs::directory_iterator i(folder.empty() ? "." : folder, error), end; !error && i != end;
       i.increment(error)) {
    const std::string file_name = i->path().filename().string();
    const std::string_view swept = swept_name(file_name);
    if (swept.empty() || (!name.empty() && swept != name)) continue;
    struct stat status {};
    if (::lstat(i->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const Descriptor file(i->path(), O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    // Its writer may have ended since, and given the name to nobody or the file another name.
    if (file.is_open() && try_flock(file.get()) == LockResult::locked && is_still_at(file.get(), i->path())) {
      ::unlink(i->path().c_str());
    }
  }
}

}  // namespace mq
