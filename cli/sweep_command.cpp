#include <ostream>

#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/points.h"
#include "meltquench/core/json.h"

namespace mq::cli {
namespace {

int list_points(const std::vector<SweepPoint>& points, const Arguments& arguments, Context& context) {
  Value list = Value::array();
  for (const SweepPoint& point : points) {
    Value settings = Value::table();
    for (const auto& [key, value] : point.settings) settings.set_key(key, value);
    list.as_array().push_back(std::move(settings));
    if (!arguments.has("--json")) context.out << point.label() << '\n';
  }
  if (arguments.has("--json")) context.out << to_json(list, 2) << '\n';
  return kDone;
}

int run(const Arguments& arguments, Context& context) {
  const std::vector<SweepPoint> points = load_points(arguments, arguments.all("KEY=VALUES"));
  if (points.front().settings.empty()) {
    throw ConfigError(
        "there is nothing to sweep: name keys with their values, like adc.bits=4,6,8, or give " +
        arguments.text("CONFIG") + " a [sweep] table");
  }
  if (arguments.has("--list")) return list_points(points, arguments, context);
  return run_points(points, arguments, context);
}

}  // namespace

Command sweep_command() {
  std::vector<Option> options = experiment_options();
  options.insert(options.begin() + 1, {"--list", {}, "Print the points and stop."});
  return {
      .name = "sweep",
      .summary = "Run a config for every combination of the values of some keys.",
      .details =
          "Keys come from the config's [sweep] table and from the command line, which wins. Values are a "
          "list "
          "a,b,c or range(first, end, step), lin(first, last, count) or log(first, last, count). Trainings "
          "are shared between points that train alike. After Ctrl-C the same command goes on.",
      .operands = {config_operand(),
                   {.name = "KEY=VALUES",
                    .sentence = "A key and its values, e.g. adc.bits=4,6,8.",
                    .count = Operand::Count::any}},
      .options = std::move(options),
      .examples =
          {"meltquench sweep examples/quick.toml adc.bits=4,8 --list",
           "meltquench sweep examples/quick.toml 'device.g_max=lin(10 uS, 30 uS, 3)' --set eval.chips=1",
           "meltquench sweep examples/quick.toml adc.bits=4,8 tile.rows=64,128 --dry-run"},
      .run = run};
}

}  // namespace mq::cli
