#include "meltquench/cli/points.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <optional>
#include <ostream>

#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/output.h"
#include "meltquench/cli/terminal.h"
#include "meltquench/core/json.h"
#include "meltquench/core/stop.h"
#include "meltquench/core/thread_count.h"
#include "meltquench/experiment/readable.h"
#include "meltquench/kernels/kernel_table.h"

namespace mq::cli {
namespace {

RunOptions run_options(const Arguments& arguments) {
  return {.output = output_folder(arguments, "--output", "runs"), .exec = exec_from(arguments)};
}

Value whole(std::size_t number) { return static_cast<std::int64_t>(number); }

int print_plan(const std::vector<SweepPoint>& points, const RunOptions& options, const Arguments& arguments,
               Context& context) {
  const RunPlan plan = plan_experiment(points, options);
  if (arguments.has("--json")) {
    Value table = Value::table();
    table.set_key("folder", plan.folder.string());
    table.set_key("points", whole(plan.points));
    table.set_key("trials", whole(plan.trials));
    table.set_key("done", whole(plan.done));
    table.set_key("trainings", whole(plan.trainings));
    table.set_key("tiles_per_chip", whole(plan.tiles));
    table.set_key("bytes_per_chip", whole(plan.bytes_per_chip));
    context.out << to_json(table, 2) << '\n';
    return kDone;
  }
  context.out << fmt::format(
      "folder     {}\npoints     {}\ntrials     {} chips to evaluate, {} of them done\ntrainings  {} to do\n"
      "tiles      {} per chip\nmemory     {:.1f} MiB per chip\n",
      plan.folder.string(), plan.points, plan.trials, plan.done, plan.trainings, plan.tiles,
      static_cast<double>(plan.bytes_per_chip) / (1 << 20));
  return kDone;
}

std::unique_ptr<ProgressSink> progress_sink(const Arguments& arguments, Context& context) {
  std::string kind = arguments.text("--progress", "auto");
  if (arguments.has("--quiet")) kind = "none";
  if (kind == "auto") kind = is_terminal(context.err) ? "terminal" : "log";
  if (kind == "terminal") {
    return std::make_unique<TerminalProgress>(context.err, TerminalProgress::color_of_environment(),
                                              terminal_width());
  }
  if (kind == "log") return std::make_unique<LogProgress>(context.err);
  if (kind == "json") return std::make_unique<JsonProgress>(context.err);
  return std::make_unique<SilentProgress>();
}

int say_how_to_resume(const std::vector<SweepPoint>& points, const RunOptions& options, Context& context) {
  clear_stop_request();
  const RunPlan plan = plan_experiment(points, options);
  context.err << fmt::format("stopped: {} of {} chips are saved in {}; this goes on from there:\n  {}\n",
                             plan.done, plan.trials, plan.folder.string(), quoted_line(context.words));
  return kInterrupted;
}

Value number_or_null(double number) { return std::isfinite(number) ? Value(number) : Value(); }

}  // namespace

std::vector<Option> experiment_options() {
  return {{.name = "--set",
           .value = "KEY=VALUE",
           .sentence = "Change a key of the config, e.g. adc.bits=6 or device.g_max=30uS.",
           .is_repeatable = true},
          {.name = "--output",
           .value = "DIR",
           .sentence = "Folder of all runs; each makes a folder NAME-KEY in it. Default: runs.",
           .completes = Completes::folders},
          {.name = "--threads",
           .value = "N",
           .sentence = "CPU threads; results never depend on it. Default: all cores."},
          {.name = "--backend",
           .value = "NAME",
           .sentence = "What computes. Default: cpu.",
           .choices = {"cpu", "reference", "cuda"}},
          {.name = "--progress",
           .value = "KIND",
           .sentence = "How progress is shown on stderr; auto is terminal on a terminal and log elsewhere.",
           .choices = {"auto", "terminal", "log", "json", "none"}},
          {.name = "--quiet",
           .value = {},
           .sentence = "No progress, and no messages but warnings and errors.",
           .short_name = "-q"},
          {.name = "--dry-run",
           .value = {},
           .sentence = "Print what would be done and what it takes; compute and write nothing."},
          json_option()};
}

Operand config_operand() {
  return {.name = "CONFIG",
          .sentence = "Config file (TOML); `meltquench describe` lists its keys.",
          .completes = Completes::files};
}

std::vector<SweepPoint> load_points(const Arguments& arguments, const std::vector<std::string>& axes) {
  return sweep_points(load_config(arguments.text("CONFIG"), arguments.all("--set")), axes);
}

Exec exec_from(const Arguments& arguments) {
  Exec exec{.backend = backend_from_name(arguments.text("--backend", "cpu")),
            .threads = arguments.integer("--threads", 1, 4096, available_threads())};
  kernels(exec.backend);
  return exec;
}

int run_points(const std::vector<SweepPoint>& points, const Arguments& arguments, Context& context) {
  RunOptions options = run_options(arguments);
  if (arguments.has("--dry-run")) return print_plan(points, options, arguments, context);
  Log log(context.err, arguments.has("--quiet") ? LogLevel::warning : LogLevel::info);
  const std::unique_ptr<ProgressSink> progress = progress_sink(arguments, context);
  options.log = &log;
  const std::string warning = warning_of_threads(options.exec.threads);
  if (!warning.empty()) log.warning(warning);
  options.progress = progress.get();
  install_interrupt_handler();
  try {
    print_outcome(run_experiment(points, options), points, arguments, context);
  } catch (const Interrupted&) {
    return say_how_to_resume(points, options, context);
  }
  return kDone;
}

Value outcome_to_value(const RunOutcome& outcome) {
  Value rows = Value::array();
  for (const AccuracyRow& row : outcome.rows) {
    Value entry = Value::table();
    entry.set_key("variant", row.variant);
    entry.set_key("compensation", row.compensation);
    entry.set_key("time_s", row.time);
    entry.set_key("chips", row.chips);
    entry.set_key("mean", row.mean);
    entry.set_key("ci95_low", number_or_null(row.ci95_low));
    entry.set_key("ci95_high", number_or_null(row.ci95_high));
    entry.set_key("min", row.min);
    entry.set_key("max", row.max);
    entry.set_key("digital", number_or_null(row.digital));
    rows.as_array().push_back(std::move(entry));
  }
  Value table = Value::table();
  table.set_key("folder", outcome.folder.string());
  table.set_key("digest", outcome.digest);
  table.set_key("trials", whole(outcome.trials));
  table.set_key("computed", whole(outcome.computed));
  table.set_key("rows", std::move(rows));
  return table;
}

void print_outcome(const RunOutcome& outcome, const std::vector<SweepPoint>& points,
                   const Arguments& arguments, Context& context) {
  if (arguments.has("--json")) {
    context.out << to_json(outcome_to_value(outcome), 2) << '\n';
    return;
  }
  // One table per point: the rows of a sweep carry the label of their point behind the variant, "
  // (adc.bits=4)".
  for (const SweepPoint& point : points) {
    const std::string label = point.label();
    const std::string suffix = label.empty() ? "" : " (" + label + ")";
    ReportData data;
    for (AccuracyRow row : outcome.rows) {
      if (!row.variant.ends_with(suffix)) continue;
      row.variant.resize(row.variant.size() - suffix.size());
      data.rows.push_back(std::move(row));
    }
    if (!label.empty()) context.out << label << '\n';
    context.out << text_table(data) << '\n';
  }
  context.out << "report: " << (outcome.folder / "report.html").string() << '\n';
}

}  // namespace mq::cli
