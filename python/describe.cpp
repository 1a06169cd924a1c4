#include <optional>

#include "meltquench/core/config.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/units.h"
#include "meltquench/core/version.h"
#include "meltquench/experiment/device_plot.h"
#include "meltquench/experiment/sections.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/models/dataset.h"
#include "meltquench/python/bindings.h"
#include "meltquench/python/watch.h"

namespace mq::python {
namespace {

std::string section_text(const mq::Section& section) {
  const bool is_config = section.kind == mq::Section::Kind::config;
  std::string text = (is_config ? "config section [" + section.name + "]" : "model " + section.name) + ": " +
                     section.sentence + "\n";
  for (const auto& [name, info] : mq::parameters(section)) {
    text += "\n  " + name + " = " + info.default_text + "\n      " + type_text(info) + "\n      " +
            info.sentence + "\n";
  }
  return text;
}

std::string overview() {
  std::string text = "config sections\n";
  bool is_config = true;
  for (const mq::Section& section : sections()) {
    if (is_config && section.kind == mq::Section::Kind::device) text += "\ndevice models\n";
    is_config = section.kind == mq::Section::Kind::config;
    text += "  " + section.name + ": " + section.sentence + "\n";
  }
  text += "\ndevice presets\n";
  for (const Preset& preset : presets())
    text += "  " + std::string(preset.name) + ": " + preset_summary(preset) + "\n";
  return text;
}

std::string describe(const std::optional<std::string>& name) {
  if (!name) return overview();
  std::vector<std::string> names;
  std::string text;
  for (const mq::Section& section : sections()) {
    names.push_back(section.name);
    if (section.name == *name) text += section_text(section);
  }
  for (const Preset& preset : presets()) {
    names.emplace_back(preset.name);
    if (preset.name != *name) continue;
    text += (text.empty() ? "" : "\n") + ("preset " + *name) + ": " + preset_summary(preset) + "\n\n" +
            to_toml(device_to_value(device_from_preset(*name)));
  }
  if (text.empty()) {
    throw ConfigError("there is no config section, device model or preset '" + *name + "'" +
                      did_you_mean(*name, names));
  }
  return text;
}

py::dict parameters(const py::object& name) {
  py::dict all;
  for (const auto& [parameter, info] : mq::parameters(find_section(text(name, "name")))) {
    py::dict entry;
    entry["kind"] = format_kind(info);
    entry["unit"] = std::string(symbol(info.unit));
    entry["default"] = info.default_text;
    entry["range"] = info.range_text;
    entry["choices"] = info.choices;
    entry["sentence"] = info.sentence;
    all[py::str(parameter)] = entry;
  }
  return all;
}

py::dict preset_sentences() {
  py::dict all;
  for (const Preset& preset : presets()) all[py::str(std::string(preset.name))] = preset_summary(preset);
  return all;
}

py::object device(const py::object& device, const py::object& si) {
  return from_value(device_to_value(device_from_value(to_value(device, "device"), "device"),
                                    truth(si, "si") ? Quantities::in_si : Quantities::with_units));
}

std::string plot_device(const py::object& device) {
  if (py::isinstance<py::str>(device)) {
    const auto name = device.cast<std::string>();
    return run_interruptible([&] { return device_plot_of(name); });
  }
  const DeviceParams params = device_from_value(to_value(device, "device"), "device");
  return run_interruptible([&] { return device_plot(params, "model " + std::string(model_name(params))); });
}

double quantity(const py::object& value, const py::object& unit_name) {
  const std::string unit = text(unit_name, "unit");
  std::string known;
  for (int i = 0; i <= static_cast<int>(Unit::electron_volt); ++i) {
    const auto candidate = static_cast<Unit>(i);
    if (symbol(candidate) == unit) {
      return parse_quantity(py::str(value).cast<std::string>(), candidate);
    }
    if (candidate != Unit::one) known += (known.empty() ? "" : ", ") + std::string(symbol(candidate));
  }
  throw ConfigError("unit = '" + unit + "' is not known (must be one of " + known +
                    ", or '' for a plain number)");
}

py::dict doctor() {
  py::dict backends;
  for (const Backend backend : {Backend::cpu, Backend::reference, Backend::cuda}) {
    std::string finding = "available";
    try {
      kernels(backend);
    } catch (const BackendUnavailable& error) {
      finding = error.what();
    }
    backends[py::str(std::string(name(backend)))] = finding;
  }
  py::dict data;
  for (const DatasetEntry& entry : known_datasets()) {
    data[py::str(std::string(entry.name))] =
        entry.is_installed ? "available" : "missing; " + std::string(entry.how_to_get);
  }
  py::dict findings;
  findings["version"] = std::string(version());
  findings["threads"] = available_threads();
  findings["backends"] = backends;
  findings["datasets"] = data;
  return findings;
}

constexpr const char* kDescribe = R"(describe(name=None)
--

Text about a config section, device model or preset; without a name, the list of all.

Raises ValueError with the nearest name for one that does not exist.

Example:
    >>> import meltquench as mq
    >>> print(mq.describe("dac"))
    config section [dac]: Digital-to-analog converters at the word lines.
    <BLANKLINE>
      bits = 8
    ...
)";

constexpr const char* kParameters = R"(parameters(name)
--

{parameter: {kind, unit, default, range, choices, sentence}} of a config section or device model.

Raises ValueError with the nearest name for one that does not exist.

Example:
    >>> import meltquench as mq
    >>> mq.parameters("adc")["bits"]["range"]
    'in [0, 16]'
)";

constexpr const char* kPresets = R"(presets()
--

{name: sentence} of all device presets.

Example:
    >>> import meltquench as mq
    >>> mq.presets()["pcm-like"]
    '90 nm doped-GST mushroom PCM, 25 uS, one device per polarity.'
)";

constexpr const char* kDevice = R"(device(device, *, si=False)
--

All parameters of a device that is given as a preset's name or as a dict of what differs from a preset or model.

si: numbers in SI units instead of texts with units. Raises ValueError for an unknown name, key or unit and for a
value out of range.

Example:
    >>> import meltquench as mq
    >>> mq.device({"preset": "pcm-like", "g_max": 3e-5})["g_max"]
    '30 uS'
)";

constexpr const char* kPlotDevice = R"(plot_device(device)
--

The figure of a device as SVG text: spread between cells, reads over time, read noise, and what pulses do.

device: a model or preset by name, or a dict as for `device`. Drawn from samples of the model's own code, the same
text every time. Raises ValueError as `device`.

Example:
    >>> import meltquench as mq
    >>> mq.plot_device("hermes-1").startswith("<svg")
    True
)";

constexpr const char* kQuantity = R"(quantity(value, unit)
--

The SI value of a text with a unit, or of a plain number.

unit: "S", "s", "V", "A", "Ohm", "J", "W", "K", "Hz", "F", "m", "m2", "eV", or "" for a plain number. Raises ValueError
for another unit.

Example:
    >>> import meltquench as mq
    >>> mq.quantity("25 uS", "S"), mq.quantity("1 day", "s")
    (2.5e-05, 86400.0)
)";

constexpr const char* kDoctor = R"(doctor()
--

What this build and machine can do, and what is missing: version, threads, backends, datasets.

Example:
    >>> import meltquench as mq
    >>> mq.doctor()["backends"]["cpu"]
    'available'
)";

}  // namespace

void bind_describe(py::module_& module) {
  module.def(
      "describe",
      [](const py::object& name) {
        return describe(name.is_none() ? std::nullopt : std::optional(py::str(name).cast<std::string>()));
      },
      kDescribe, py::arg("name") = py::none());
  module.def("parameters", &parameters, kParameters, py::arg("name"));
  module.def("presets", &preset_sentences, kPresets);
  module.def("device", &device, kDevice, py::arg("device"), py::kw_only(), py::arg("si") = false);
  module.def("plot_device", &plot_device, kPlotDevice, py::arg("device"));
  module.def("quantity", &quantity, kQuantity, py::arg("value"), py::arg("unit"));
  module.def("doctor", &doctor, kDoctor);
}

}  // namespace mq::python
