#include <filesystem>
#include <ostream>

#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/points.h"
#include "meltquench/core/json.h"

namespace mq::cli {
namespace {

int run(const Arguments& arguments, Context& context) {
  Value list = Value::array();
  for (const std::string& name : arguments.all("DIR")) {
    // Absolute, so that "." and "runs/x/" have a parent, which also holds the trained networks.
    const RunOutcome outcome =
        rewrite_report(std::filesystem::absolute(name + "/.").lexically_normal().parent_path(),
                       {.exec = {.threads = available_threads()}});
    if (!arguments.has("--json"))
      context.out << (std::filesystem::path(name) / "report.html").string() << '\n';
    list.as_array().push_back(outcome_to_value(outcome));
  }
  if (arguments.has("--json")) context.out << to_json(list, 2) << '\n';
  return kDone;
}

}  // namespace

Command report_command() {
  return {.name = "report",
          .summary = "Write the results and the report of finished runs again, from their trials.",
          .details =
              "Writes results.csv, arrays.h5, manifest.json and report.html; equal trials give equal bytes.",
          .operands = {{.name = "DIR",
                        .sentence = "Folder of a run.",
                        .count = Operand::Count::at_least_one,
                        .completes = Completes::folders}},
          .options = {json_option()},
          .examples = {"meltquench report runs/quick-*"},
          .run = run};
}

}  // namespace mq::cli
