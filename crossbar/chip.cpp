#include "meltquench/crossbar/chip.h"

#include "meltquench/core/error.h"
#include "meltquench/core/json.h"

namespace mq {
namespace {

constexpr int kVersion = 3;

}  // namespace

Chip::Chip(const Exec& exec, const HardwareConfig& hardware, std::vector<LayerShape> layers,
           std::uint64_t seed, std::uint32_t id)
    : hardware_(hardware), layers_(std::move(layers)), seed_(seed), id_(id) {
  MQ_EXPECTS(id < 65536 && !layers_.empty());
  std::vector<std::string> names;
  for (const LayerShape& layer : layers_) names.push_back(layer.name);
  hardware_.check_rules(names);
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const TileAddress address{.seed = seed, .layer = static_cast<std::uint32_t>(i), .chip = id};
    arrays_.emplace_back(exec, hardware_.for_layer(layers_[i].name), address, layers_[i].outputs,
                         layers_[i].inputs);
  }
}

void Chip::set_ranges(const std::vector<Ranges>& ranges) {
  MQ_EXPECTS(ranges.size() == arrays_.size());
  for (std::size_t i = 0; i < arrays_.size(); ++i) arrays_[i].set_ranges(ranges[i]);
}

void Chip::program(const Exec& exec, const std::vector<MatrixView<const float>>& weights) {
  MQ_EXPECTS(weights.size() == arrays_.size());
  for (std::size_t i = 0; i < arrays_.size(); ++i) arrays_[i].program(exec, weights[i]);
}

void Chip::advance_to(const Exec& exec, double time) {
  for (TileArray& array : arrays_) array.advance_to(exec, time);
}

void Chip::compensate_drift(DriftCompensation how) {
  for (TileArray& array : arrays_) array.compensate_drift(how);
}

Counters Chip::counters() const {
  Counters sum;
  for (const TileArray& array : arrays_) sum += array.counters();
  return sum;
}

std::string Chip::identity() const {
  Value table = Value::table();
  hardware_.write_to(table);
  Value layers = Value::array();
  for (const LayerShape& layer : layers_) layers.as_array().push_back(layer.name);
  table.set_key("layers", std::move(layers));
  table.set_key("seed", std::to_string(seed_));
  table.set_key("id", static_cast<std::int64_t>(id_));
  return to_json(table);
}

void Chip::save(const std::filesystem::path& path) const {
  H5Writer file(path, "chip", kVersion);
  file.write_text("/identity", identity());
  for (std::size_t i = 0; i < arrays_.size(); ++i) arrays_[i].save(file, "/layers/" + layers_[i].name);
  file.commit();
}

void Chip::load(const Exec& exec, const std::filesystem::path& path) {
  const H5Reader file(path, "chip", kVersion);
  if (file.read_text("/identity") != identity()) {
    throw DataError(path.string() +
                    " holds another chip: its hardware, layers, seed or id differ; load it with the config "
                    "it was saved with");
  }
  for (std::size_t i = 0; i < arrays_.size(); ++i) arrays_[i].load(exec, file, "/layers/" + layers_[i].name);
}

}  // namespace mq
