/// Files that are whole or absent: no reader and no crash ever sees half of one.
///
/// A file under construction is `.NAME.PID-N.tmp` next to where it will be, locked by who writes it. What a
/// killed process left of these is removed by the next one that writes there.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mq {

/// Throws MissingError if the file is not there, DataError if it cannot be read (a folder, no permission) or
/// is a pipe or device that goes on beyond 256 MiB.
std::string read_file(const std::filesystem::path& path);

/// Throws DataError if there is something else than a file: a folder, a pipe (which would be waited for
/// forever), a device. Nothing there, nothing thrown.
void check_is_file(const std::filesystem::path& path);

/// Removes the temporary files and locks in a folder that killed processes left: those that are named like
/// ours, are files, and that no process has locked. With `name` only those of the file of this name.
void sweep_temporary_files(const std::filesystem::path& folder, std::string_view name = {});

/// Makes the folder and those above it, checks that files can be made in it and sweeps it. Throws
/// StorageError with the reason.
void ensure_writable_folder(const std::filesystem::path& folder);

/// Writes a temporary file in the same folder, flushes it to disk and renames it over `path`. On StorageError
/// the old file is untouched and nothing is left behind; so it is if `path` is no file but a pipe or device.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Appends one line (no line break inside) and flushes it to disk; makes the file if there is none. If the
/// file ends in a part of a line (its writer was killed), that part is cut off first. Processes that append
/// at once wait for each other.
void append_line_durably(const std::filesystem::path& path, std::string_view line);

/// The complete lines of a file written by `append_line_durably`; a last line without its line break is what
/// a killed writer left and is ignored. No file, no lines. Throws DataError as `check_is_file`.
std::vector<std::string> read_complete_lines(const std::filesystem::path& path);

/// Reads on where an earlier call ended.
class LineReader {
 public:
  explicit LineReader(std::filesystem::path path) : path_(std::move(path)) {}

  /// The complete lines that were added since. Throws DataError as `read_complete_lines`, StorageError if
  /// what was read before is no longer there: somebody removed or cut the file.
  std::vector<std::string> read_new_lines();

 private:
  std::filesystem::path path_;
  std::size_t offset_ = 0;
};

}  // namespace mq
