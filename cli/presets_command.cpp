#include <fmt/format.h>

#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/core/json.h"
#include "meltquench/devices/device.h"

namespace mq::cli {
namespace {

int run(const Arguments& arguments, Context& context) {
  Value list = Value::array();
  for (const Preset& preset : presets()) {
    const DeviceParams device = device_from_preset(preset.name);
    if (!arguments.has("--json")) {
      context.out << fmt::format("{:<9}  {:<5}  {}\n", preset.name, model_name(device),
                                 preset_summary(preset));
    }
    Value entry = Value::table();
    entry.set_key("name", preset.name);
    entry.set_key("summary", preset_summary(preset));
    entry.set_key("device", device_to_value(device));
    list.as_array().push_back(std::move(entry));
  }
  if (arguments.has("--json")) context.out << to_json(list, 2) << '\n';
  return kDone;
}

}  // namespace

Command presets_command() {
  return {.name = "presets",
          .summary = "List the devices that come with Meltquench.",
          .details = "Columns: name, model, what it is. `meltquench show NAME` prints the values of one.",
          .options = {json_option()},
          .examples = {"meltquench presets"},
          .run = run};
}

}  // namespace mq::cli
