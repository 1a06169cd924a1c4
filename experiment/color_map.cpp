#include "meltquench/experiment/color_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "meltquench/core/contract.h"

namespace mq {
namespace {

std::vector<Rgb> unpack(std::initializer_list<std::uint32_t> packed) {
  std::vector<Rgb> out;
  for (const std::uint32_t rgb : packed)
    out.push_back({static_cast<std::uint8_t>(rgb >> 16), static_cast<std::uint8_t>(rgb >> 8),
                   static_cast<std::uint8_t>(rgb)});
  return out;
}

}  // namespace

const std::vector<Rgb>& color_map_points(ColorMap map) {
  // Every eighth of matplotlib's 256 colours: linear interpolation between them stays within 2 of 255 levels.
  static const std::vector<Rgb> kViridis =
      unpack({0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b,
              0x375b8d, 0x33638d, 0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f978b,
              0x1f9f88, 0x21a685, 0x27ad81, 0x31b57b, 0x3dbc74, 0x4cc26c, 0x5cc863, 0x6ece58, 0x81d34d,
              0x95d840, 0xaadc32, 0xc0df25, 0xd5e21a, 0xeae51a, 0xfde725});
  static const std::vector<Rgb> kRedBlue = unpack({0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7,
                                                   0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f});
  return map == ColorMap::viridis ? kViridis : kRedBlue;
}

Rgb color_at(ColorMap map, double place) {
  MQ_EXPECTS(!std::isnan(place));
  const std::vector<Rgb>& points = color_map_points(map);
  const double at = std::clamp(place, 0.0, 1.0) * static_cast<double>(points.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(at), points.size() - 2);
  const double share = at - static_cast<double>(below);
  Rgb out;
  for (std::size_t k = 0; k < 3; ++k)
    out[k] =
        static_cast<std::uint8_t>(std::lround((1 - share) * points[below][k] + share * points[below + 1][k]));
  return out;
}

std::string css_color(const Rgb& color) {
  return fmt::format("#{:02x}{:02x}{:02x}", color[0], color[1], color[2]);
}

}  // namespace mq
