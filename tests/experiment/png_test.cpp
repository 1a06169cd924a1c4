#include "meltquench/experiment/png.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/experiment/color_map.h"
#include "meltquench/experiment/heatmap.h"

namespace mq {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint32_t big_endian(const Bytes& bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

/// Reads the PNGs that this project writes; every chunk's checksum is verified.
Image decode(const Bytes& png) {
  EXPECT_EQ(Bytes(png.begin(), png.begin() + 8), (Bytes{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}));
  Image image;
  bool has_end = false;
  for (std::size_t at = 8; at < png.size();) {
    const std::size_t size = big_endian(png, at);
    const std::string type(png.begin() + static_cast<long>(at) + 4, png.begin() + static_cast<long>(at) + 8);
    const Bytes content(png.begin() + static_cast<long>(at) + 8,
                        png.begin() + static_cast<long>(at + 8 + size));
    EXPECT_EQ(crc32(0, &png[at + 4], static_cast<uInt>(size + 4)), big_endian(png, at + 8 + size)) << type;
    at += size + 12;
    if (type == "IHDR") {
      image.width = static_cast<int>(big_endian(content, 0));
      image.height = static_cast<int>(big_endian(content, 4));
      EXPECT_EQ(content[8], 8);
      image.kind = content[9] == 2   ? Image::Kind::rgb
                   : content[9] == 3 ? Image::Kind::indexed
                                     : Image::Kind::grey;
    } else if (type == "PLTE") {
      for (std::size_t i = 0; i + 2 < content.size(); i += 3)
        image.palette.push_back({content[i], content[i + 1], content[i + 2]});
    } else if (type == "IDAT") {
      const std::size_t row =
          static_cast<std::size_t>(image.width) * (image.kind == Image::Kind::rgb ? 3 : 1);
      Bytes raw((row + 1) * static_cast<std::size_t>(image.height));
      uLongf raw_size = raw.size();
      EXPECT_EQ(uncompress(raw.data(), &raw_size, content.data(), content.size()), Z_OK);
      EXPECT_EQ(raw_size, raw.size());
      for (std::size_t y = 0; y < static_cast<std::size_t>(image.height); ++y) {
        EXPECT_EQ(raw[y * (row + 1)], 0);
        const auto start = raw.begin() + static_cast<long>(y * (row + 1) + 1);
        image.pixels.insert(image.pixels.end(), start, start + static_cast<long>(row));
      }
    } else {
      EXPECT_EQ(type, "IEND");
      has_end = true;
    }
  }
  EXPECT_TRUE(has_end);
  return image;
}

Image sample_image(Image::Kind kind) {
  Image image{.kind = kind, .width = 13, .height = 7};
  for (int i = 0; i < 13 * 7 * (kind == Image::Kind::rgb ? 3 : 1); ++i)
    image.pixels.push_back(static_cast<std::uint8_t>(i * 37 + i / 5));
  if (kind == Image::Kind::indexed)
    for (int i = 0; i < 256; ++i) image.palette.push_back(color_at(ColorMap::viridis, i / 255.0));
  return image;
}

TEST(Png, DecodesToTheSamePixels) {
  for (const Image::Kind kind : {Image::Kind::grey, Image::Kind::rgb, Image::Kind::indexed}) {
    const Image image = sample_image(kind);
    const Image decoded = decode(encode_png(image));
    EXPECT_EQ(decoded.kind, image.kind);
    EXPECT_EQ(decoded.width, image.width);
    EXPECT_EQ(decoded.height, image.height);
    EXPECT_EQ(decoded.pixels, image.pixels);
    EXPECT_EQ(decoded.palette, image.palette);
  }
}

TEST(Png, RejectsPixelsThatDoNotFit) {
  Image image = sample_image(Image::Kind::grey);
  image.pixels.pop_back();
  try {
    encode_png(image);
    FAIL() << "an image without its last pixel was encoded";
  } catch (const ShapeError& error) {
    EXPECT_STREQ(error.what(), "an image of 13 x 7 pixels needs 91 bytes, but has 90");
  }
  EXPECT_THROW(encode_png(Image{}), ShapeError);
  Image indexed = sample_image(Image::Kind::indexed);
  indexed.palette.resize(10);
  EXPECT_THROW(encode_png(indexed), ShapeError);
}

TEST(Base64, GivesTheVectorsOfRfc4648) {
  const auto encode = [](const std::string& text) { return base64(Bytes(text.begin(), text.end())); };
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foob"), "Zm9vYg==");
  EXPECT_EQ(encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(data_uri("image/png", Bytes{0xff, 0xef}), "data:image/png;base64,/+8=");
}

TEST(ColorMap, HitsItsPublishedColoursAndGrowsLighter) {
  EXPECT_EQ(css_color(color_at(ColorMap::viridis, 0)), "#440154");
  EXPECT_EQ(css_color(color_at(ColorMap::viridis, 1)), "#fde725");
  EXPECT_EQ(css_color(color_at(ColorMap::viridis, 7)), "#fde725");
  EXPECT_EQ(css_color(color_at(ColorMap::red_blue, 0.5)), "#f7f7f7");
  EXPECT_EQ(css_color(color_at(ColorMap::red_blue, 0)), "#053061");
  double before = -1;
  for (int i = 0; i <= 64; ++i) {  // luma, Rec. 709
    const Rgb c = color_at(ColorMap::viridis, i / 64.0);
    const double luma = 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2];
    EXPECT_GT(luma, before) << i;
    before = luma;
  }
}

TEST(Heatmap, ShowsEveryElementInItsColour) {
  const std::vector<float> values = {0.0f, 12.5e-6f, 25e-6f, 30e-6f, NAN, -1.0f};
  const ColorScale scale{.low = 0, .high = 25e-6};
  const Image image = decode(heatmap_png(values, 2, 3, scale));
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.pixels, (Bytes{0, 127, 254, 254, 255, 0}));
  EXPECT_EQ(image.palette[127], color_at(ColorMap::viridis, 0.5));
  EXPECT_EQ(image.palette[255], (Rgb{128, 128, 128}));
  EXPECT_THROW(heatmap_png(values, 2, 2, scale), ShapeError);
  EXPECT_THROW(heatmap_png({}, 0, 3, scale), ShapeError);
}

TEST(Heatmap, ScaleStartsAtZeroForConductancesAndIsSymmetricForWeights) {
  const ColorScale conductances = scale_around(std::vector<float>{1, 2, 4, NAN});
  EXPECT_EQ(conductances.map, ColorMap::viridis);
  EXPECT_EQ(conductances.low, 0);
  EXPECT_EQ(conductances.high, 4);
  const ColorScale weights = scale_around(std::vector<float>{-1, 3});
  EXPECT_EQ(weights.map, ColorMap::red_blue);
  EXPECT_EQ(weights.low, -3);
  EXPECT_EQ(weights.high, 3);
  const ColorScale zeros = scale_around(std::vector<float>{0, 0});
  EXPECT_LT(zeros.low, zeros.high);
}

TEST(Heatmap, OneOutlierDoesNotDarkenTheRest) {
  std::vector<float> values(1000, 2.0f);
  values[17] = 100.0f;
  const ColorScale scale = scale_around(values);
  EXPECT_LE(scale.high, 4);
  EXPECT_TRUE(scale.is_open_high);
  EXPECT_FALSE(scale.is_open_low);
}

}  // namespace
}  // namespace mq
