/// Locks between processes, also on several machines that share a folder.
///
/// A lock is the file `.NAME.mq-lock`, locked with flock(2): the kernel gives it back when its process ends,
/// however it ends. Containers of one machine and NFS (Linux, version 3 with its lock daemon, and 4) take
/// part; the few file systems without locks say so, see `is_supported`.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "meltquench/core/descriptor.h"

namespace mq {

/// "process 4711 on host": what the holder of a lock is called.
std::string this_process();

class FileLock {
 public:
  /// No value: somebody else holds it. Throws StorageError if the folder is not there or cannot be written.
  static std::optional<FileLock> try_lock(const std::filesystem::path& folder, const std::string& name);

  /// Waits, asking ten times a second, until it is free. `on_wait` is told the holder, once for each. Throws
  /// Interrupted when a stop was requested.
  static FileLock lock(const std::filesystem::path& folder, const std::string& name,
                       const std::function<void(const std::string& holder)>& on_wait);

  /// Who holds it: `this_process()` of the holder; empty if nobody does, or it has just ended.
  static std::string holder(const std::filesystem::path& folder, const std::string& name);

  /// Unlocks, and removes the file.
  ~FileLock();
  FileLock(FileLock&& other) noexcept = default;
  FileLock& operator=(FileLock&&) = delete;

  /// False where the file system has no locks: this object then keeps nobody out.
  bool is_supported() const { return is_supported_; }

 private:
  FileLock(std::filesystem::path path, Descriptor file, bool is_supported)
      : path_(std::move(path)), file_(std::move(file)), is_supported_(is_supported) {}

  std::filesystem::path path_;
  Descriptor file_;
  bool is_supported_;
};

/// What trying to lock an open file (flock) came to.
enum class LockResult {
  locked,
  held,         ///< by another open file, of this or another process
  unsupported,  ///< the file system has no locks
};
enum class LockKind { exclusive, shared };
LockResult try_flock(int file, LockKind kind = LockKind::exclusive);

/// Whether the open file still has this name: it may have been removed, or replaced by another.
bool is_still_at(int file, const std::filesystem::path& path);

}  // namespace mq
