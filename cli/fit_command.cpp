#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/output.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/units.h"
#include "meltquench/devices/fit/csv.h"
#include "meltquench/devices/fit/fit.h"
#include "meltquench/experiment/fit_report.h"

namespace mq::cli {
namespace {

FitRequest request_of(const Arguments& arguments) {
  FitRequest request{.model = arguments.text("--model"),
                     .preset = arguments.text("--preset", "pcm-like"),
                     .prog_terms = arguments.integer("--prog-terms", 1, 4, 3)};
  if (arguments.has("--g-max")) {
    request.g_max = parse_quantity(arguments.text("--g-max"), Unit::siemens);
    if (!(request.g_max > 0.0)) throw ConfigError("--g-max must be above 0; give it like 25uS");
  }
  return request;
}

std::string estimate_line(const Estimate& e) {
  const double scale = e.unit == Unit::siemens ? 1e6 : 1.0;
  return fmt::format("{:<18}  {:>10.5g} {:<3} [{:.5g}, {:.5g}]\n", e.name, e.value * scale,
                     e.unit == Unit::siemens ? "uS" : symbol(e.unit), e.low * scale, e.high * scale);
}

int run(const Arguments& arguments, Context& context) {
  check_one_stdout(arguments, {"--plot", "--output", "--json"});
  Measurements all;
  for (const std::string& file : arguments.all("CSV")) all.append(load_measurements(file));
  const FitResult result = fit_device(all, request_of(arguments));
  if (arguments.has("--plot")) write_output(arguments, "--plot", fit_picture(result), context);
  if (arguments.has("--output") && result.has_converged)
    write_output(arguments, "--output", fit_to_toml(result), context);
  if (arguments.has("--json")) {
    context.out << to_json(fit_to_value(result), 2) << '\n';
    return result.has_converged ? kDone : kFailed;
  }
  const bool is_taken = goes_to_stdout(arguments, "--plot") || goes_to_stdout(arguments, "--output");
  std::ostream& out = is_taken ? context.err : context.out;
  for (const Estimate& e : result.estimates) out << estimate_line(e);
  for (const Goodness& g : result.goodness) {
    out << fmt::format("{}: {} = {:.4g} for {:g}, p = {:.3g}\n", g.what, g.statistic, g.value, g.freedom,
                       g.p_value);
  }
  out << fmt::format("used: {} of {} rows, {} cells\n", result.rows_used, result.rows, result.cells_used);
  for (const std::string& note : result.notes) context.err << note << '\n';
  if (result.has_converged) return kDone;
  context.err << "These measurements do not tell a device; no preset was written.\n";
  return kFailed;
}

}  // namespace

Command fit_command() {
  return {
      .name = "fit",
      .summary = "Fit a device model to measurements and write it as a preset.",
      .details =
          "The header of a CSV file says what it holds: cell,target_uS,time_s,g_uS (conductance over time, "
          "by "
          "the time since the last pulse of each cell), cell,target_uS,g_uS (programming), "
          "cell,sequence,pulse,direction,g_uS (pulses) or g_uS,frequency_Hz,psd_uS2_per_Hz (noise spectra). "
          "Printed are estimates with 95 % intervals, as they are written, and the goodness of fit; "
          "docs/fitting.md says how they come about. Measurements that do not tell a parameter end with exit "
          "code 1 and without a preset. A config takes the written file as device = \"my-device.toml\".",
      .operands = {{.name = "CSV",
                    .sentence = "Files with measurements of one kind of device.",
                    .count = Operand::Count::at_least_one,
                    .completes = Completes::files}},
      .options =
          {{.name = "--model",
            .value = "NAME",
            .sentence = "Model to fit; without it, the one that the tables are made for.",
            .choices = fit_models()},
           {.name = "--output",
            .value = "FILE",
            .sentence =
                "Write the device as a preset file; - writes it to stdout, and the estimates to stderr.",
            .short_name = "-o",
            .completes = Completes::files},
           {.name = "--plot",
            .value = "FILE",
            .sentence = "Draw data against model into an SVG file, or - for stdout.",
            .completes = Completes::files},
           {.name = "--preset",
            .value = "NAME",
            .sentence = "Device that gives what the data do not tell, like t0 and t_read (pcm-like).",
            .completes = Completes::presets},
           {.name = "--g-max",
            .value = "G",
            .sentence = "Largest conductance, like 25uS; without it, the largest target."},
           {.name = "--prog-terms",
            .value = "N",
            .sentence = "Terms of the polynomial of the programming noise, 1 to 4 (3)."},
           json_option()},
      .examples = {"meltquench synthesize drift --preset pcm-like --cells 2000 > drift.csv && meltquench fit "
                   "drift.csv -o my-device.toml --plot fit.svg",
                   "meltquench fit drift.csv --json"},
      .run = run};
}

}  // namespace mq::cli
