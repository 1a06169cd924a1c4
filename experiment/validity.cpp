#include "meltquench/experiment/validity.h"

#include <algorithm>
#include <cmath>

#include "meltquench/core/units.h"
#include "meltquench/devices/device.h"

namespace mq {
namespace {

void add_once(std::vector<std::string>& list, std::string sentence) {
  if (std::find(list.begin(), list.end(), sentence) == list.end()) list.push_back(std::move(sentence));
}

void add_temperature(const Hardware& hardware, const std::vector<double>& times,
                     std::vector<std::string>& warnings) {
  const Range range = temperature_range(hardware.device);
  std::vector<double> moments = times;
  // Between two times it may be warmer than at both.
  const PiecewiseTable& profile = hardware.temperature.profile;
  for (int k = 0; k < profile.size; ++k) {
    if (profile.x[k] <= times.back()) moments.push_back(profile.x[k]);
  }
  std::sort(moments.begin(), moments.end());
  for (const double time : moments) {
    const double kelvin = std::round(hardware.temperature.at(time) * 100.0) / 100.0;  // a profile is float
    if (range.contains(kelvin)) continue;
    add_once(warnings, "the chip is at " + format_quantity(kelvin, Unit::kelvin) + " " +
                           format_quantity(time, Unit::second) +
                           " after the reference read, but the device model '" +
                           std::string(model_name(hardware.device)) + "' is meant for temperatures " +
                           format_range(range, Unit::kelvin) +
                           "; what it says beyond, as that nothing crystallises, is not to be relied on");
    return;
  }
}

void add_times(const Hardware& hardware, const std::vector<double>& times,
               std::vector<std::string>& warnings) {
  const std::optional<double> until = measured_until(hardware.device);
  // Times count from the reference read, so that cells are a little older; that does not matter here.
  if (!until || times.back() <= std::max(*until, 1.0)) return;
  add_once(warnings, "the chip is looked at " + format_quantity(times.back(), Unit::second) +
                         " after the reference read, but the device was measured until " +
                         format_quantity(*until, Unit::second) +
                         " after programming; later values are those of that time");
}

}  // namespace

std::vector<std::string> validity_warnings(const RunConfig& run, const std::vector<std::string>& layers) {
  std::vector<std::string> warnings;
  const auto look_at = [&](const Hardware& hardware) {
    add_temperature(hardware, run.eval.times, warnings);
    add_times(hardware, run.eval.times, warnings);
  };
  if (layers.empty()) look_at(run.hardware.everywhere());
  for (const std::string& layer : layers) look_at(run.hardware.for_layer(layer));
  return warnings;
}

}  // namespace mq
