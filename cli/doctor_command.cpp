#include <fmt/format.h>

#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/core/exec.h"
#include "meltquench/core/json.h"
#include "meltquench/core/version.h"
#include "meltquench/kernels/kernel_table.h"
#include "meltquench/models/dataset.h"

namespace mq::cli {
namespace {

/// Empty if `table()` finds its kernels, else why it does not.
template <class F>
std::string why_not(F&& table) {
  try {
    table();
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

Value availability(std::string_view name, const std::string& problem) {
  Value entry = Value::table();
  entry.set_key("name", name);
  entry.set_key("available", problem.empty());
  entry.set_key("why_not", problem);
  return entry;
}

Value findings() {
  Value table = Value::table();
  table.set_key("version", version());
  table.set_key("compiler", MQ_COMPILER);
  table.set_key("build", MQ_BUILD_TYPE);
  table.set_key("threads", available_threads());
  Value isas = Value::array();
  for (const std::string_view isa : {"base", "v3", "v4", "vnni", "amx"}) {
    isas.as_array().push_back(availability(isa, why_not([&] { cpu_kernels(isa); })));
  }
  table.set_key("instruction_sets", std::move(isas));
  Value backends = Value::array();
  for (const Backend backend : {Backend::cpu, Backend::reference, Backend::cuda}) {
    backends.as_array().push_back(availability(name(backend), why_not([&] { kernels(backend); })));
  }
  table.set_key("backends", std::move(backends));
  Value data = Value::array();
  for (const DatasetEntry& entry : known_datasets()) {
    data.as_array().push_back(
        availability(entry.name, entry.is_installed ? "" : "missing; " + std::string(entry.how_to_get)));
  }
  table.set_key("data_sets", std::move(data));
  return table;
}

std::string lines(std::string_view title, const Value& list) {
  std::string text;
  for (const Value& entry : list.as_array()) {
    const bool is_available = entry.at("available").as_boolean();
    text += fmt::format("{} {}: {}\n", title, entry.at("name").as_text(),
                        is_available ? "available" : entry.at("why_not").as_text());
  }
  return text;
}

int run(const Arguments& arguments, Context& context) {
  const Value table = findings();
  if (arguments.has("--json")) {
    context.out << to_json(table, 2) << '\n';
    return kDone;
  }
  context.out << fmt::format("meltquench {}, {} build by {}\nthreads: {}\n", table.at("version").as_text(),
                             table.at("build").as_text(), table.at("compiler").as_text(),
                             table.at("threads").as_integer());
  context.out << lines("instruction set", table.at("instruction_sets"))
              << lines("backend", table.at("backends")) << lines("data set", table.at("data_sets"));
  return kDone;
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .summary = "Say what this build and machine can do, and what is missing.",
          .details = {},
          .options = {json_option()},
          .examples = {"meltquench doctor"},
          .run = run};
}

}  // namespace mq::cli
