#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/output.h"
#include "meltquench/core/error.h"
#include "meltquench/core/units.h"
#include "meltquench/devices/fit/csv.h"
#include "meltquench/devices/fit/synthesize.h"

namespace mq::cli {
namespace {

constexpr int kMostCells = 1'000'000;

double seconds_of(const Arguments& arguments, std::string_view name) {
  return arguments.has(name) ? parse_quantity(arguments.text(name), Unit::second) : 0.0;
}

int run(const Arguments& arguments, Context& context) {
  const std::string kind = arguments.text("KIND");
  const int cells = arguments.integer("--cells", 1, kMostCells, kind == "pulses" ? 200 : 2000);
  const auto seed = static_cast<std::uint64_t>(arguments.integer("--seed", 0, 1'000'000'000, 1));
  const std::vector<double> levels = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
  const DeviceParams device =
      device_from_preset(arguments.text("--preset", kind == "pulses" ? "nandakumar-2018" : "pcm-like"));
  std::string text;
  if (kind == "drift") {
    const double programming_time = seconds_of(arguments, "--programming-time");
    text = reads_to_csv(synthesize_drift(device, drift_experiment(device, cells, programming_time, seed)));
  } else if (kind == "programming") {
    text = programming_to_csv(synthesize_programming(device, cells, levels, 0.0, seed));
  } else if (kind == "pulses") {
    text = pulses_to_csv(synthesize_pulses(device, {.cells = cells,
                                                    .sequences = arguments.integer("--sequences", 1, 100, 1),
                                                    .pulses = arguments.integer("--pulses", 1, 100'000, 100),
                                                    .seed = seed}));
  } else {
    text = spectra_to_csv(synthesize_spectra(device, levels, seed));
  }
  if (arguments.has("--output")) {
    write_output(arguments, "--output", text, context);
  } else {
    context.out << text;
  }
  return kDone;
}

}  // namespace

Command synthesize_command() {
  return {
      .name = "synthesize",
      .summary = "Print measurements that the cells of a preset would show, as CSV.",
      .details =
          "What a prober would write, drawn from the device model itself: to try `meltquench fit`, to plan "
          "how "
          "many cells and reads an experiment needs, or to test other programs. Pulses go up and then down "
          "again "
          "where the model has both.",
      .operands = {{.name = "KIND",
                    .sentence = "What is measured.",
                    .choices = {"drift", "programming", "pulses", "spectra"}}},
      .options = {{.name = "--output",
                   .value = "FILE",
                   .sentence = "Write there instead of to stdout; - is stdout.",
                   .short_name = "-o",
                   .completes = Completes::files},
                  {.name = "--preset",
                   .value = "NAME",
                   .sentence = "Device that is measured (pcm-like; nandakumar-2018 for pulses).",
                   .completes = Completes::presets},
                  {.name = "--cells", .value = "N", .sentence = "Number of cells (2000; 200 for pulses)."},
                  {.name = "--programming-time",
                   .value = "TIME",
                   .sentence = "How long the array took to program, in random order (0 s)."},
                  {.name = "--pulses", .value = "N", .sentence = "Pulses in each direction (100)."},
                  {.name = "--sequences", .value = "N", .sentence = "Sequences of pulses per cell (1)."},
                  {.name = "--seed", .value = "N", .sentence = "Seed of all random numbers (1)."}},
      .examples = {"meltquench synthesize drift --preset pcm-like --cells 200 --programming-time 2min"},
      .run = run};
}

}  // namespace mq::cli
