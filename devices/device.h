/// A device as users name it: a preset ("pcm-like"), or a table with model or preset and what differs from
/// it.
///
///     device = "hermes-1"
///     device = { preset = "pcm-like", g_max = "30 uS" }
///     device = { model = "ideal" }
///     device = "my-device.toml"
///
/// A name that ends in .toml is a preset file, as `meltquench fit` writes it, beside the config or in the
/// working directory.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"
#include "meltquench/devices/registry.h"

namespace mq {

struct Preset {
  std::string_view name;
  std::string_view toml;  ///< its text: sentence, sources and values
};

/// All presets, in alphabetical order.
std::span<const Preset> presets();
/// Throws ConfigError naming the nearest preset.
const Preset& preset(std::string_view name);
/// The preset's own sentence.
std::string preset_summary(const Preset& preset);

/// The device that a preset describes.
DeviceParams device_from_preset(std::string_view name);

/// From a preset's name or a table, checked; `path` ("device") stands in front of messages.
DeviceParams device_from_value(const Value& value, std::string_view path);
/// { model = ..., all parameters }: `device_from_value` gives back an equal device.
Value device_to_value(const DeviceParams& params, Quantities quantities = Quantities::with_units);

std::string_view model_name(const DeviceParams& params);
std::vector<std::string> model_names();
/// A sentence about a model and its parameters. Throws ConfigError for an unknown name.
std::string model_summary(std::string_view model);
std::vector<FieldInfo> model_fields(std::string_view model);

float g_min(const DeviceParams& params);
float g_max(const DeviceParams& params);
/// Width of the read pulse [s], which bounds 1/f read noise above; 0 for a model without 1/f noise.
float read_pulse(const DeviceParams& params);
/// Growth of the read noise (Moment) of a cell `time` [s] after its reference read.
double noise_growth(const DeviceParams& params, double time);
/// What temperature means to the device: the activation energy of its drift [eV], and the temperature [K] at
/// which its parameters hold; 0 and 300 K for a model that does not look at temperature.
float drift_activation(const DeviceParams& params);
float reference_temperature(const DeviceParams& params);
/// Whether temperature changes anything about the device.
bool feels_temperature(const DeviceParams& params);
/// Temperatures [K] that the model is meant for; `any` for one that does not look at temperature.
Range temperature_range(const DeviceParams& params);
/// Age [s] of the oldest cells that the device's tables were measured on; none if its law is a formula over
/// time, whose sources state no last time.
std::optional<double> measured_until(const DeviceParams& params);
/// Whether the noise of a pulse follows a law of the model's own, not device.cycle_noise_law.
bool has_own_cycle_noise(const DeviceParams& params);
/// Whether cells of the device know when they were programmed.
bool cells_age(const DeviceParams& params);
/// Throws ConfigError, naming the models to choose from, unless program-and-verify can be run for this device
/// (HoldingModel): others only have a statistical law of what programming leaves.
void require_process(const DeviceParams& params);
/// Whether pulses can move the cells of this device (PulsedModel).
bool takes_pulses(const DeviceParams& params);
/// Throws ConfigError, naming the models to choose from, unless `takes_pulses`.
void require_pulses(const DeviceParams& params);
/// Mean change [S] of new cells by one pulse. Throws as `require_pulses`.
float mean_step(const DeviceParams& params);
/// Whether pulses only move cells up, so that a pair learns on both sides. False if it takes no pulses.
bool is_one_sided(const DeviceParams& params);
/// Conductance [S] that stands for weight 0 in cells that learn.
double weight_zero(const DeviceParams& params);
/// Floats that a cell keeps.
int cell_fields(const DeviceParams& params);

}  // namespace mq
