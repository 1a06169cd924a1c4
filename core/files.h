/// Files that are whole or absent: no reader and no crash ever sees half of one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mq {

/// Throws MissingError if the file is not there, DataError if it cannot be read (a folder, no permission).
std::string read_file(const std::filesystem::path& path);

/// Makes the folder and those above it, and checks that files can be made in it. Throws StorageError with the
/// reason.
void ensure_writable_folder(const std::filesystem::path& folder);

/// Writes a temporary file in the same folder, flushes it to disk and renames it over `path`. On StorageError
/// the old file is untouched and nothing is left behind.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Appends one line (no line break inside) and flushes it to disk; makes the file if there is none. If the
/// file ends in a part of a line (its writer was killed), that part is cut off first. One writer at a time.
void append_line_durably(const std::filesystem::path& path, std::string_view line);

/// The complete lines of a file written by `append_line_durably`; a last line without its line break is what
/// a killed writer left and is ignored. No file, no lines.
std::vector<std::string> read_complete_lines(const std::filesystem::path& path);

}  // namespace mq
