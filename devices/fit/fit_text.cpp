#include <fmt/format.h>

#include <cstdint>

#include "meltquench/core/config.h"
#include "meltquench/devices/fit/fit.h"

namespace mq {
namespace {

/// Four digits, by fmt: a locale with decimal commas must not reach the file.
std::string shortened(double value) { return fmt::format("{:.4g}", value); }

std::string with_unit(double value, Unit unit) {
  return unit == Unit::siemens ? shortened(value * kMicro) + " uS" : shortened(value);
}

}  // namespace

std::string fit_to_toml(const FitResult& result) {
  std::string files;
  for (const std::string& file : result.files) files += (files.empty() ? "" : ", ") + file;
  std::string text = "summary = " +
                     to_toml_value(Value("Fitted to " + std::to_string(result.rows) + " rows of " +
                                         (files.empty() ? "data" : files) + ".")) +
                     "\n# Parameter, estimate, 95 % interval:\n";
  for (const Estimate& e : result.estimates) {
    text += "#   " + e.name + " = " + with_unit(e.value, e.unit) + "  [" + with_unit(e.low, e.unit) + ", " +
            with_unit(e.high, e.unit) + "]\n";
  }
  text += "# Used: " + std::to_string(result.rows_used) + " of " + std::to_string(result.rows) + " rows, " +
          std::to_string(result.cells_used) + " cells.\n";
  text += "# Goodness of fit:\n";
  for (const Goodness& g : result.goodness) {
    text += "#   " + g.what + ": " + g.statistic + " = " + shortened(g.value) + " for " +
            shortened(g.freedom) + (g.statistic == "KS" ? " samples" : " degrees of freedom") +
            ", p = " + shortened(g.p_value) + "\n";
  }
  for (const std::string& note : result.notes) text += "# " + note + "\n";
  for (const auto& entry : result.device.as_table()) {
    text += entry.key + " = " + to_toml_value(entry.value) + "\n";
  }
  return text;
}

Value fit_to_value(const FitResult& result) {
  Value table = Value::table();
  table.set_key("device", result.device);
  table.set_key("has_converged", result.has_converged);
  table.set_key("rows", std::int64_t(result.rows));
  table.set_key("rows_used", std::int64_t(result.rows_used));
  table.set_key("cells_used", std::int64_t(result.cells_used));
  Value estimates = Value::array(), goodness = Value::array(), notes = Value::array(), files = Value::array();
  for (const Estimate& e : result.estimates) {
    Value entry = Value::table();
    entry.set_key("name", e.name);
    entry.set_key("unit", symbol(e.unit));
    entry.set_key("value", e.value);
    entry.set_key("standard_error", e.standard_error);
    entry.set_key("low", e.low);
    entry.set_key("high", e.high);
    estimates.as_array().push_back(std::move(entry));
  }
  for (const Goodness& g : result.goodness) {
    Value entry = Value::table();
    entry.set_key("what", g.what);
    entry.set_key("statistic", g.statistic);
    entry.set_key("value", g.value);
    entry.set_key("freedom", g.freedom);
    entry.set_key("p_value", g.p_value);
    goodness.as_array().push_back(std::move(entry));
  }
  for (const std::string& note : result.notes) notes.as_array().emplace_back(note);
  for (const std::string& file : result.files) files.as_array().emplace_back(file);
  table.set_key("estimates", std::move(estimates));
  table.set_key("goodness", std::move(goodness));
  table.set_key("notes", std::move(notes));
  table.set_key("files", std::move(files));
  return table;
}

}  // namespace mq
