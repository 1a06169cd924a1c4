/// IDX files, the format of MNIST and its relatives, plain or compressed with gzip.
///
/// Layout: two zero bytes, the element type (8: unsigned byte), the number of dimensions, each dimension as a
/// big-endian 32-bit number, then the elements. Y. LeCun, C. Cortes, C. Burges, "The MNIST database" (1998).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace mq {

struct IdxArray {
  std::vector<std::size_t> shape;
  std::vector<std::uint8_t> bytes;
};

/// Reads a file of unsigned bytes with `dimensions` dimensions. Throws MissingError if the file is not there
/// and DataError, naming the file, if it is no such file, is truncated, damaged or too long, or has
/// dimensions that make no sense. At most 2 GiB.
IdxArray read_idx(const std::filesystem::path& path, std::size_t dimensions);

}  // namespace mq
