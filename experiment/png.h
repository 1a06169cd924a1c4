/// PNG images in memory: 8-bit greyscale, RGB or indexed colour, one pass, no filter, deflated by zlib.
/// Format: W3C Recommendation "Portable Network Graphics (PNG) Specification (Second Edition)", 2003.
///
/// Equal images give equal bytes (for one version of zlib). No time or software chunk is written.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mq {

using Rgb = std::array<std::uint8_t, 3>;

/// Pixels by row from the top: `grey` and `indexed` hold one byte per pixel, `rgb` three.
/// An indexed pixel is a place in `palette` (at most 256 colours); the other kinds leave `palette` empty.
struct Image {
  enum class Kind { grey, rgb, indexed };

  Kind kind = Kind::grey;
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels = {};
  std::vector<Rgb> palette = {};
};

/// The bytes of a PNG file. Throws ShapeError if an extent is not positive, if `pixels` does not fit the
/// extents, or if a pixel lies outside the palette.
std::vector<std::uint8_t> encode_png(const Image& image);

/// Base64 with padding (RFC 4648, section 4).
std::string base64(std::span<const std::uint8_t> bytes);

/// "data:<media_type>;base64,...", as `src` of an image takes it.
std::string data_uri(std::string_view media_type, std::span<const std::uint8_t> bytes);

}  // namespace mq
