/// Tiles in files.
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile.h"

namespace mq {
namespace {

/// Where the cells of a device stand in the file of their tile.
std::string name(Polarity side, int device, int slice) {
  return (side == Polarity::plus ? "/plus" : "/minus") + (device > 0 ? "_" + std::to_string(device) : "") +
         (slice > 0 ? "_slice_" + std::to_string(slice) : "");
}

/// `count` different lines of the `all` that there are. Throws DataError.
std::vector<std::uint32_t> read_lines(const H5Reader& file, const std::string& path, std::size_t count,
                                      std::size_t all) {
  std::vector<std::uint32_t> lines = file.read<std::uint32_t>(path, {count});
  std::vector<bool> is_taken(all, false);
  for (const std::uint32_t line : lines) {
    if (line >= all || is_taken[line]) {
      throw DataError(path + ": line " + std::to_string(line) +
                      (line < all ? " is taken twice" : " does not exist") + "; the file is damaged");
    }
    is_taken[line] = true;
  }
  return lines;
}

}  // namespace

void Tile::save(H5Writer& file, const std::string& path) const {
  for_each_array(
      [&](Place p) { arrays_[array_index(p)].save(file, path + name(p.side, p.device, p.slice)); });
  if (hardware_.tile.has_line_map()) {
    file.write(path + "/bit_lines", lines_.outputs);
    file.write(path + "/word_lines", lines_.inputs);
  }
  file.set_attribute(path, "writes", static_cast<std::int64_t>(writes_));
  file.set_attribute(path, "epoch_s", epoch_);
  file.set_attribute(path, "has_ages", static_cast<std::int64_t>(has_ages_));
}

void Tile::load(const H5Reader& file, const std::string& path) {
  for_each_array([&](Place p) { array(p).load(file, path + name(p.side, p.device, p.slice)); });
  if (hardware_.tile.has_line_map()) {
    LineMap lines = lines_;
    lines.outputs = read_lines(file, path + "/bit_lines", outputs_, lines_.bit_lines);
    lines.inputs = read_lines(file, path + "/word_lines", inputs_, lines_.word_lines);
    set_lines(std::move(lines));
  }
  const Value writes = file.attribute(path, "writes");
  if (!writes.is_integer() || writes.as_integer() < 0 || writes.as_integer() >= 1 << 24) {
    throw DataError(path + " has no valid attribute 'writes'; the file is damaged or no chip");
  }
  const Value epoch = file.attribute(path, "epoch_s"), has_ages = file.attribute(path, "has_ages");
  if (!epoch.is_number() || !std::isfinite(epoch.as_number()) || !has_ages.is_integer()) {
    throw DataError(path + " does not say when its cells were programmed; the file is damaged or no chip");
  }
  writes_ = static_cast<std::uint32_t>(writes.as_integer());
  epoch_ = epoch.as_number();
  has_ages_ = has_ages.as_integer() != 0;
}

}  // namespace mq
