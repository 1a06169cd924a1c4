#include "meltquench/experiment/png.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "meltquench/core/error.h"

namespace mq {
namespace {

using Bytes = std::vector<std::uint8_t>;

void append_big_endian(Bytes& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void append_chunk(Bytes& out, std::string_view type, const Bytes& content) {
  append_big_endian(out, static_cast<std::uint32_t>(content.size()));
  const std::size_t start = out.size();  // the checksum covers type and content
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), content.begin(), content.end());
  append_big_endian(
      out, static_cast<std::uint32_t>(crc32(0, out.data() + start, static_cast<uInt>(out.size() - start))));
}

std::size_t bytes_per_pixel(Image::Kind kind) { return kind == Image::Kind::rgb ? 3 : 1; }

std::uint8_t color_type(Image::Kind kind) {
  switch (kind) {
    case Image::Kind::grey:
      return 0;
    case Image::Kind::rgb:
      return 2;
    case Image::Kind::indexed:
      break;
  }
  return 3;
}

void check_image(const Image& image) {
  if (image.width <= 0 || image.height <= 0)
    throw ShapeError(
        fmt::format("an image of {} x {} pixels cannot be encoded; both extents must be positive",
                    image.width, image.height));
  const std::size_t expected = static_cast<std::size_t>(image.width) *
                               static_cast<std::size_t>(image.height) * bytes_per_pixel(image.kind);
  if (image.pixels.size() != expected)
    throw ShapeError(fmt::format("an image of {} x {} pixels needs {} bytes, but has {}", image.width,
                                 image.height, expected, image.pixels.size()));
  if (image.kind != Image::Kind::indexed) return;
  const auto largest = *std::max_element(image.pixels.begin(), image.pixels.end());
  if (image.palette.size() > 256 || largest >= image.palette.size())
    throw ShapeError(fmt::format("an indexed image needs a palette of {} to 256 colours, but it has {}",
                                 largest + 1, image.palette.size()));
}

Bytes deflate_rows(const Image& image) {
  const std::size_t row = static_cast<std::size_t>(image.width) * bytes_per_pixel(image.kind);
  Bytes raw;
  raw.reserve((row + 1) * static_cast<std::size_t>(image.height));
  for (auto at = image.pixels.begin(); at != image.pixels.end(); at += static_cast<std::ptrdiff_t>(row)) {
    raw.push_back(0);  // filter type "none"
    raw.insert(raw.end(), at, at + static_cast<std::ptrdiff_t>(row));
  }
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  Bytes out(size);
  if (compress2(out.data(), &size, raw.data(), static_cast<uLong>(raw.size()), Z_BEST_COMPRESSION) != Z_OK)
    throw ResourceError(fmt::format("zlib could not compress an image of {} bytes", raw.size()));
  out.resize(size);
  return out;
}

}  // namespace

std::vector<std::uint8_t> encode_png(const Image& image) {
  check_image(image);
  Bytes header;
  append_big_endian(header, static_cast<std::uint32_t>(image.width));
  append_big_endian(header, static_cast<std::uint32_t>(image.height));
  const std::uint8_t bit_depth = 8;
  header.insert(header.end(), {bit_depth, color_type(image.kind), 0, 0, 0});

  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  append_chunk(png, "IHDR", header);
  if (image.kind == Image::Kind::indexed) {
    Bytes palette;
    for (const Rgb& color : image.palette) palette.insert(palette.end(), color.begin(), color.end());
    append_chunk(png, "PLTE", palette);
  }
  append_chunk(png, "IDAT", deflate_rows(image));
  append_chunk(png, "IEND", {});
  return png;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kDigits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string data_uri(std::string_view media_type, std::span<const std::uint8_t> bytes) {
  return fmt::format("data:{};base64,{}", media_type, base64(bytes));
}

}  // namespace mq
