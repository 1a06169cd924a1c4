/// What files that are written whole are made of; `core/files.h` is what others use.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "meltquench/core/descriptor.h"

namespace mq {

/// A new file `.NAME.PID-N.tmp` next to its target that says by its lock that somebody is writing it; removed
/// unless it was committed. Everything throws StorageError.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::string_view bytes);
  /// Flushes it to disk and gives it the name of its target.
  void commit();

 private:
  std::filesystem::path target_, path_;
  Descriptor file_{"", O_RDONLY};
};

/// A name in the same folder that no other process of this machine and no thread uses.
std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Writes all bytes to an open file: 0 or errno.
int write_all(int file, std::string_view bytes);

/// Makes a new name in a folder durable. Some file systems cannot flush a folder; that is no error.
void flush_folder_of(const std::filesystem::path& path);

/// What one may do about an errno, as the end of a sentence; empty if nothing is known.
std::string way_out(int error);
[[noreturn]] void throw_storage_error(const std::filesystem::path& path, int error);

}  // namespace mq
