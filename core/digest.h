/// SHA-256 (FIPS 180-4), and the digest that says whether two runs gave the same results.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace mq {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  /// How blocks are absorbed: by instructions of the processor where it has them, or by plain code anywhere.
  enum class Path { fastest, portable };
  explicit Sha256(Path path = Path::fastest) : path_(path) {}

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// The digest of everything so far; the object then starts afresh.
  Digest finish();

 private:
  void absorb_block(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = kStart;
  std::array<std::uint8_t, 64> buffer_{};
  std::uint64_t size_ = 0;
  Path path_;

  static constexpr std::array<std::uint32_t, 8> kStart{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
};

/// Lower-case hexadecimal text.
std::string hex(std::span<const std::uint8_t> bytes);

/// SHA-256 of a text, in hexadecimal.
std::string sha256(std::string_view text);

/// SHA-256 over all data sets of a Meltquench HDF5 file, sorted by path: path, dtype, shape and bytes of
/// each. Attributes do not count. Throws as `H5Reader`.
std::string digest_hdf5(const std::filesystem::path& path);
/// The same into a running hash, e.g. to add `results.csv` behind it.
void digest_hdf5(const std::filesystem::path& path, Sha256& hash);

}  // namespace mq
