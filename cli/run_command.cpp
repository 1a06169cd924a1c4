#include "meltquench/cli/points.h"

namespace mq::cli {

Command run_command() {
  return {
      .name = "run",
      .summary = "Train, program chips, age them, evaluate and report, as a config file says.",
      .details =
          "Prints the accuracy over time and writes a folder with results and report. The same command again "
          "computes only what is missing; started several times at once, also on machines that share the "
          "folder, "
          "it shares the chips between these processes. A config with a [sweep] table runs all of its "
          "points.",
      .operands = {config_operand()},
      .options = experiment_options(),
      .examples = {"meltquench run examples/quick.toml",
                   "meltquench run examples/quick.toml --set adc.bits=6 --set device=hermes-2 --threads 2",
                   "meltquench run examples/quick.toml --dry-run --json"},
      .run = [](const Arguments& arguments, Context& context) {
        return run_points(load_points(arguments, {}), arguments, context);
      }};
}

}  // namespace mq::cli
