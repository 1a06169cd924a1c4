/// Tile arrays in files.
#include <algorithm>
#include <cmath>

#include "meltquench/core/error.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {

void TileArray::save(H5Writer& file, const std::string& path) const {
  for (std::size_t t = 0; t < tiles_.size(); ++t) tiles_[t].save(file, path + "/tiles/" + std::to_string(t));
  file.write(path + "/adc_ranges", forward_.ranges.adc);
  if (!forward_.ranges.columns.empty()) file.write(path + "/adc_column_ranges", forward_.ranges.columns);
  file.write(path + "/reference_response", reference_response_);
  file.write(path + "/compensation", factors_);
  if (!column_scale_.empty()) file.write(path + "/column_scale", column_scale_);
  if (!correction_.scale.empty()) {
    file.write(path + "/correction/scale", correction_.scale);
    file.write(path + "/correction/offset", correction_.offset);
  }
  file.set_attribute(path, "dac_range", double(forward_.ranges.dac));
  file.set_attribute(path, "w_max", double(w_max_));
  file.set_attribute(path, "time_s", time_);
  file.set_attribute(path, "aged_s", aged_);
  file.set_attribute(path, "average_input", average_input_.value);
  file.set_attribute(path, "outputs", static_cast<std::int64_t>(grid_.outputs));
  file.set_attribute(path, "inputs", static_cast<std::int64_t>(grid_.inputs));
  file.set_attributes(path + "/counters", to_value(this->counters()));
}

void TileArray::load(const Exec& exec, const H5Reader& file, const std::string& path) {
  const auto number = [&](const char* attribute) {
    const Value value = file.attribute(path, attribute);
    if (!value.is_integer() && !value.is_number()) {
      throw DataError(path + " has no attribute '" + attribute + "'; the file is damaged or no chip");
    }
    const double number = value.as_number();
    if (!std::isfinite(number) || number < 0.0) {
      throw DataError(path + ": the attribute '" + attribute +
                      "' is no number that can be; the file is damaged");
    }
    return number;
  };
  if (number("outputs") != double(grid_.outputs) || number("inputs") != double(grid_.inputs)) {
    throw DataError(path + " holds another matrix than " + "[" + std::to_string(grid_.outputs) + ", " +
                    std::to_string(grid_.inputs) + "]" + "; load it with the config it was saved with");
  }
  const Shape per_tile{grid_.size()};
  for (std::size_t t = 0; t < tiles_.size(); ++t) tiles_[t].load(file, path + "/tiles/" + std::to_string(t));
  forward_.ranges = {.dac = static_cast<float>(number("dac_range")),
                     .adc = file.read<float>(path + "/adc_ranges", {forward_.ranges.adc.size()})};
  if (file.contains(path + "/adc_column_ranges")) {
    forward_.ranges.columns =
        file.read<float>(path + "/adc_column_ranges", {forward_.ranges.adc.size() * grid_.tile_outputs});
  }
  const auto is_no_range = [](float range) { return !std::isfinite(range) || range < 0.0f; };
  for (const std::vector<float>* ranges : {&forward_.ranges.adc, &forward_.ranges.columns}) {
    if (std::any_of(ranges->begin(), ranges->end(), is_no_range)) {
      throw DataError(path + " holds ADC ranges that are no numbers above 0; the file is damaged");
    }
  }
  w_max_ = static_cast<float>(number("w_max"));
  if (hardware_.mapping.scale == WeightScale::column && is_programmed()) {
    column_scale_ = file.read<float>(path + "/column_scale", {grid_.outputs});
  }
  time_ = number("time_s");
  aged_ = number("aged_s");
  average_input_.value = number("average_input");
  const Value names = to_value(Counters{});
  Value counters = Value::table();
  for (const auto& entry : names.as_table()) {
    const Value value = file.attribute(path + "/counters", entry.key);
    if (!value.is_null()) counters.set_key(entry.key, value);
  }
  counters_ = counters_from_value(counters);
  for (Products* side : {&forward_, &transposed_}) side->counts = Buffer<ConverterCounts>(exec, 1);
  update_pulses_ = Buffer<std::int64_t>(exec, 1);
  if (is_programmed()) settle(exec);
  reference_response_ = file.read<double>(path + "/reference_response", per_tile);
  factors_ = file.read<double>(path + "/compensation", per_tile);
  if (file.contains(path + "/correction")) {
    correction_ = {.scale = file.read<float>(path + "/correction/scale", {grid_.outputs}),
                   .offset = file.read<float>(path + "/correction/offset", {grid_.outputs})};
  }
  forward_.is_stale = transposed_.is_stale = true;
}

}  // namespace mq
