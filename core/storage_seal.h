/// The first block of Meltquench's HDF5 files: says in plain text what the file is, how long, and its CRC-32.
///
/// HDF5's library may crash on a damaged file, so damage has to be found before the library sees it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace mq {

inline constexpr std::size_t kSealSize = 512;

/// Fills the first `kSealSize` bytes of a complete file.
void write_seal(std::string& file, const std::string& kind);

/// The file's kind. Throws MissingError if it is not there, DataError unless `H5Writer` finished it and
/// nobody has changed it since.
std::string check_seal(const std::filesystem::path& path);

}  // namespace mq
