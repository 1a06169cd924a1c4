#include "meltquench/experiment/run_config.h"

#include <algorithm>

#include "meltquench/core/config.h"
#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/core/json.h"
#include "meltquench/core/nearest.h"

namespace mq {
namespace {

constexpr std::int64_t kSchema = 1;
// Raised whenever the same config would give other results, so that old and new ones never mix.
constexpr std::int64_t kResultsVersion = 5;

std::vector<std::string> known_keys() {
  std::vector<std::string> keys = {"schema", "name", "seed", "data", "model", "train", "eval", "sweep"};
  for (const std::string_view section : hardware_sections()) keys.emplace_back(section);
  keys.emplace_back("layer");
  return keys;
}

void check_name(const std::string& name, const Source& source) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (name.empty() || name.size() > 100 || name[0] == '.' ||
      !std::all_of(name.begin(), name.end(), is_plain)) {
    throw_config_error(
        "name = \"" + name +
            "\" cannot be part of a folder's name; use letters, digits, '-', '_' and '.', 100 at most",
        source);
  }
}

}  // namespace

std::string EvalParams::problem() const {
  if (times.empty()) return "times must list at least one time";
  if (!std::is_sorted(times.begin(), times.end())) return "times must ascend: a chip only ages";
  if (compensation.empty())
    return "compensation must list at least one of none, global, per_output and affine";
  if (response == CompensationResponse::exact && response_reads > 1) {
    return "response_reads needs response = \"read\": exact responses are equal each time";
  }
  if (first_chip + chips > 65536) return "first_chip + chips must not exceed 65536";
  return "";
}

RunConfig RunConfig::from_value(const Value& config) {
  if (!config.is_table()) throw_config_error("a run's config must be a table of keys", config.source());
  const std::vector<std::string> keys = known_keys();
  for (const auto& entry : config.as_table()) {
    if (std::find(keys.begin(), keys.end(), entry.key) == keys.end()) {
      throw_config_error("unknown key '" + entry.key + "'" + did_you_mean(entry.key, keys), entry.key_source);
    }
  }
  RunConfig run;
  if (const Value* schema = config.find("schema")) {
    if (schema->as_integer() != kSchema) {
      throw_config_error(
          "schema = " + std::to_string(schema->as_integer()) +
              " is not known to this version, which reads schema = 1; use the version that wrote the config",
          schema->source());
    }
  }
  if (const Value* name = config.find("name")) {
    run.name = name->as_text();
    check_name(run.name, name->source());
  }
  if (const Value* seed = config.find("seed")) {
    if (seed->as_integer() < 0) throw_config_error("seed must not be negative", seed->source());
    run.seed = static_cast<std::uint64_t>(seed->as_integer());
  }
  const auto section = [&](auto& params, const char* name) {
    if (const Value* table = config.find(name)) mq::from_value(params, *table, name);
  };
  section(run.data, "data");
  section(run.model, "model");
  section(run.train, "train");
  section(run.eval, "eval");
  run.hardware = HardwareConfig::from_value(config);
  return run;
}

Value RunConfig::to_value() const {
  Value config = Value::table();
  config.set_key("schema", kSchema);
  config.set_key("name", name);
  config.set_key("seed", static_cast<std::int64_t>(seed));
  config.set_key("data", mq::to_value(data));
  config.set_key("model", mq::to_value(model));
  config.set_key("train", mq::to_value(train));
  hardware.write_to(config);
  config.set_key("eval", mq::to_value(eval));
  return config;
}

std::string RunConfig::key() const {
  Value config = to_value();
  config.find("eval")->erase_key("batch_size");
  config.set_key("results_version", kResultsVersion);
  return sha256(to_json(config));
}

std::string RunConfig::training_key() const {
  Value config = Value::table();
  config.set_key("seed", static_cast<std::int64_t>(seed));
  config.set_key("data", mq::to_value(data));
  config.set_key("model", mq::to_value(model));
  Value train_table = mq::to_value(train);
  train_table.erase_key("variants");
  config.set_key("train", std::move(train_table));
  config.set_key("results_version", kResultsVersion);
  return sha256(to_json(config));
}

Value load_config(const std::filesystem::path& file, std::span<const std::string> overrides) {
  Value config = load_toml(file);
  for (const std::string& override_text : overrides) apply_override(config, override_text);
  return config;
}

}  // namespace mq
