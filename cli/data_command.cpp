#include <fmt/format.h>

#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/core/json.h"
#include "meltquench/models/dataset.h"

namespace mq::cli {
namespace {

int run(const Arguments& arguments, Context& context) {
  Value list = Value::array();
  for (const DatasetEntry& data : known_datasets()) {
    if (!arguments.has("--json")) {
      const std::string where = data.folder.empty() ? "needs no files"
                                : data.is_installed ? "in " + data.folder.string()
                                                    : "missing: " + std::string(data.how_to_get);
      context.out << fmt::format("{:<13}  {}\n{:<13}  {}\n", data.name, data.what, "", where);
    }
    Value entry = Value::table();
    entry.set_key("name", data.name);
    entry.set_key("what", data.what);
    entry.set_key("folder", data.folder.string());
    entry.set_key("installed", data.is_installed);
    entry.set_key("how_to_get", data.how_to_get);
    list.as_array().push_back(std::move(entry));
  }
  if (arguments.has("--json")) context.out << to_json(list, 2) << '\n';
  return kDone;
}

}  // namespace

Command data_command() {
  return {.name = "data",
          .summary = "List the data sets, where they lie and how to get them.",
          .details = {},
          .operands = {{.name = "ACTION", .sentence = "What to do.", .choices = {"list"}}},
          .options = {json_option()},
          .examples = {"meltquench data list"},
          .run = run};
}

}  // namespace mq::cli
