#include "meltquench/models/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <system_error>

#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr std::size_t kLargest = std::size_t(1) << 31;
constexpr std::size_t kLargestDimension = 100'000'000;

struct CloseFile {
  void operator()(gzFile file) const { gzclose(file); }
};

/// A file that zlib reads, decompressed if it is compressed.
class ByteSource {
 public:
  explicit ByteSource(const std::filesystem::path& path) : name_(path.string()) {
    std::error_code failure;
    if (!std::filesystem::exists(path, failure)) {
      throw MissingError(fmt::format("{} is not there; check the folder of the data set (data.path)", name_));
    }
    if (!std::filesystem::is_regular_file(path, failure))
      throw DataError(fmt::format("{} is not a file", name_));
    file_.reset(gzopen(name_.c_str(), "rb"));
    if (!file_) throw DataError(fmt::format("{} cannot be opened; check its permissions", name_));
  }

  /// As many bytes as there are, up to `size`.
  std::size_t read(std::uint8_t* to, std::size_t size) {
    std::size_t done = 0;
    while (done < size) {
      const auto part = static_cast<unsigned>(std::min(size - done, std::size_t(1) << 20));
      const int got = gzread(file_.get(), to + done, part);
      int state = Z_OK;
      const char* message = gzerror(file_.get(), &state);
      if (got < 0 || (state != Z_OK && state != Z_BUF_ERROR && state != Z_STREAM_END)) {
        throw DataError(fmt::format("{} is damaged ({}); get the data set again", name_, message));
      }
      if (state == Z_BUF_ERROR) {
        throw DataError(fmt::format(
            "{} is truncated: its compressed data ends too early; get the data set again", name_));
      }
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  std::string name_;
  std::unique_ptr<gzFile_s, CloseFile> file_;
};

}  // namespace

IdxArray read_idx(const std::filesystem::path& path, std::size_t dimensions) {
  ByteSource source(path);
  const std::string name = path.string();
  std::vector<std::uint8_t> header(4 + 4 * dimensions);
  const std::size_t got = source.read(header.data(), header.size());
  if (got >= 4 && (header[0] != 0 || header[1] != 0)) {
    throw DataError(fmt::format("{} is no IDX file: it starts with the bytes {:02x} {:02x} instead of 00 00",
                                name, header[0], header[1]));
  }
  if (got >= 4 && header[2] != 8) {
    throw DataError(fmt::format("{} holds elements of type 0x{:02x}; only unsigned bytes (0x08) are read",
                                name, header[2]));
  }
  if (got >= 4 && header[3] != dimensions) {
    throw DataError(fmt::format("{} has {} dimensions instead of {}; are images and labels mixed up?", name,
                                header[3], dimensions));
  }
  if (got < header.size()) {
    throw DataError(
        fmt::format("{} is truncated: it has {} bytes, its header alone needs {}; get the data set again",
                    name, got, header.size()));
  }

  IdxArray array;
  std::size_t size = 1;
  for (std::size_t d = 0; d < dimensions; ++d) {
    const std::uint8_t* p = header.data() + 4 + 4 * d;
    const std::size_t length =
        std::size_t(p[0]) << 24 | std::size_t(p[1]) << 16 | std::size_t(p[2]) << 8 | p[3];
    if (length == 0 || length > kLargestDimension || size > kLargest / length) {
      throw DataError(
          fmt::format("{} claims a length of {} in dimension {}, which makes no sense for a data set; get "
                      "the data set again",
                      name, length, d + 1));
    }
    size *= length;
    array.shape.push_back(length);
  }
  // Memory follows what is really there, so that a wrong header cannot ask for 2 GiB.
  while (array.bytes.size() < size) {
    const std::size_t done = array.bytes.size(), part = std::min(size - done, std::size_t(16) << 20);
    array.bytes.resize(done + part);
    const std::size_t read = source.read(array.bytes.data() + done, part);
    if (read < part) {
      throw DataError(fmt::format("{} is truncated: it holds {} of {} elements; get the data set again", name,
                                  done + read, size));
    }
  }
  std::uint8_t extra = 0;
  if (source.read(&extra, 1) != 0) {
    throw DataError(
        fmt::format("{} goes on behind its {} elements; it is damaged or no IDX file", name, size));
  }
  return array;
}

}  // namespace mq
