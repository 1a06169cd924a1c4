#include "meltquench/core/storage_seal.h"

#include <fmt/format.h>
#include <zlib.h>

#include <charconv>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"

namespace mq {
namespace fs = std::filesystem;
namespace {

// The first 512 bytes: "meltquench hdf5 1 <kind> <length> <crc32 of the rest>\n", then spaces.
constexpr std::string_view kSealStart = "meltquench hdf5 1 ";

struct Seal {
  std::string kind;
  std::uint64_t length = 0;
  std::uint32_t crc = 0;

  std::string text() const {
    std::string line = fmt::format("{}{} {} {:08x}\n", kSealStart, kind, length, crc);
    line.resize(kSealSize - 1, ' ');
    return line + "\n";
  }
};

std::optional<Seal> parse_seal(std::string_view text) {
  if (!text.starts_with(kSealStart)) return std::nullopt;
  text.remove_prefix(kSealStart.size());
  const std::size_t first = text.find(' '), second = text.find(' ', first + 1), end = text.find('\n');
  if (first == std::string_view::npos || second == std::string_view::npos || end != second + 9)
    return std::nullopt;
  Seal seal{std::string(text.substr(0, first))};
  std::from_chars(text.data() + first + 1, text.data() + second, seal.length);
  std::from_chars(text.data() + second + 1, text.data() + end, seal.crc, 16);
  return seal;
}

/// CRC-32 of a file behind its seal.
std::uint32_t crc_of_rest(std::ifstream& file) {
  file.clear();
  file.seekg(kSealSize);
  uLong crc = crc32(0, nullptr, 0);
  std::vector<char> block(1 << 20);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())) || file.gcount() > 0) {
    crc = crc32(crc, reinterpret_cast<const Bytef*>(block.data()), static_cast<uInt>(file.gcount()));
  }
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

void write_seal(std::string& file, const std::string& kind) {
  const auto* rest = reinterpret_cast<const Bytef*>(file.data() + kSealSize);
  const auto crc = static_cast<std::uint32_t>(crc32_z(0, rest, file.size() - kSealSize));
  file.replace(0, kSealSize, Seal{kind, file.size(), crc}.text());
}

std::string check_seal(const fs::path& path) {
  const auto refuse = [&](std::string_view problem) {
    throw DataError(fmt::format("{} {}", path.string(), problem));
  };
  if (!fs::exists(path)) throw MissingError(fmt::format("{} is not there; check the path", path.string()));
  check_is_file(path);
  std::ifstream file(path, std::ios::binary);
  std::string head(kSealSize, '\0');
  if (!file) refuse("cannot be read; check that it is a file you may read");
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  if (!head.starts_with(kSealStart)) {
    const bool is_hdf5 = head.starts_with("\x89HDF\r\n\x1a\n");
    refuse(is_hdf5 ? "is an HDF5 file of another program; Meltquench reads only files that it wrote"
                   : "is not an HDF5 file of Meltquench; check the path");
  }
  const std::optional<Seal> seal = parse_seal(head);
  const std::uint64_t size = fs::file_size(path);
  if (!seal || head.size() < kSealSize)
    refuse("is truncated or damaged in its first block; restore or regenerate it");
  if (size < seal->length) {
    refuse(fmt::format("is truncated: {} of {} bytes; restore or regenerate it", size, seal->length));
  }
  if (size > seal->length || seal->text() != head || crc_of_rest(file) != seal->crc) {
    refuse("is damaged: its bytes do not match its checksum; restore or regenerate it");
  }
  return seal->kind;
}

}  // namespace mq
