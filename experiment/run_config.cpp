#include "meltquench/experiment/run_config.h"

#include <algorithm>
#include <limits>

#include "meltquench/core/config.h"
#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/core/json.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/overrides.h"

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

/// A preset file, as `meltquench fit` writes it, is the device of a config.
void check_is_no_preset(const Value& config) {
  const auto& file = config.source().text;
  const auto stands_there = [&](const char* key) {
    const Value* value = config.find(key);
    return value != nullptr && value->is_text() && value->source().text == file;
  };
  if (file == nullptr || !(stands_there("model") || stands_there("preset") || stands_there("summary")))
    return;
  throw ConfigError(file->name +
                    " is a preset file, which describes a device, and no config; a config uses it as " +
                    "device = \"" + file->name + "\", and a command as --set device=" + file->name);
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
  RunConfig run;
  run.read(config);
  return run;
}

void RunConfig::read(const Value& config) {
  if (!config.is_table()) throw_config_error("a run's config must be a table of keys", config.source());
  check_is_no_preset(config);
  const std::vector<std::string> keys = known_keys();
  for (const auto& entry : config.as_table()) {
    if (std::find(keys.begin(), keys.end(), entry.key) == keys.end()) {
      throw_config_error("unknown key '" + entry.key + "'" + did_you_mean(entry.key, keys), entry.key_source);
    }
  }
  if (const Value* schema = config.find("schema")) {
    if (schema->as_integer() != kSchema) {
      throw_config_error(
          "schema = " + std::to_string(schema->as_integer()) +
              " is not known to this version, which reads schema = 1; use the version that wrote the config",
          schema->source());
    }
  }
  if (const Value* name = config.find("name")) {
    this->name = name->as_text();
    check_name(this->name, name->source());
  }
  if (const Value* seed = config.find("seed")) {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    this->seed = static_cast<std::uint64_t>(detail::read_integer(*seed, Rule{}, 0, kLargest, "seed"));
  }
  const auto section = [&](auto& params, const char* name) {
    if (const Value* table = config.find(name)) mq::from_value(params, *table, name);
  };
  section(data, "data");
  section(model, "model");
  section(train, "train");
  section(eval, "eval");
  hardware.read(config);
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

std::string RunConfig::key() const { return RunKey(*this).key(); }
std::string RunConfig::training_key() const { return RunKey(*this).training_key(); }

RunKey::RunKey(const RunConfig& config) {
  for (const char* name : {"schema", "name", "seed", "data", "model", "train"}) parts_.push_back({name});
  for (const std::string_view name : hardware_sections()) parts_.push_back({std::string(name)});
  for (const char* name : {"layer", "eval", "results_version"}) parts_.push_back({name});
  for (Part& part : parts_) update(config, part);
}

void RunKey::update(const RunConfig& config, std::span<const std::string> sections) {
  std::size_t first = parts_.size();
  for (Part& part : parts_) {
    if (std::find(sections.begin(), sections.end(), part.name) == sections.end()) continue;
    update(config, part);
    first = std::min(first, static_cast<std::size_t>(&part - parts_.data()));
  }
  if (first == unchanged_ || first == parts_.size()) return;
  unchanged_ = first;
  begun_ = Sha256();
  begun_.update(text_of(0, first));
}

bool RunKey::trains(std::string_view section) {
  return section == "seed" || section == "data" || section == "model" || section == "train";
}

void RunKey::update(const RunConfig& config, Part& part) {
  Value value;
  if (part.name == "schema") {
    value = kSchema;
  } else if (part.name == "name") {
    value = config.name;
  } else if (part.name == "seed") {
    value = static_cast<std::int64_t>(config.seed);
  } else if (part.name == "data") {
    value = mq::to_value(config.data);
  } else if (part.name == "model") {
    value = mq::to_value(config.model);
  } else if (part.name == "train") {
    value = mq::to_value(config.train);
  } else if (part.name == "eval") {
    value = mq::to_value(config.eval);
    value.erase_key("batch_size");
  } else if (part.name == "results_version") {
    value = kResultsVersion;
  } else {
    value = config.hardware.section(part.name);
  }
  part.json = value.is_null() ? "" : to_json(value);
  if (part.name == "train") value.erase_key("variants");
  const bool counts = trains(part.name) || part.name == "results_version";
  part.of_training = counts ? to_json(value) : "";
}

std::string RunKey::text_of(std::size_t first, std::size_t end) const {
  std::string text;
  for (std::size_t i = first; i < end; ++i) {
    if (!parts_[i].json.empty()) text += (i == 0 ? "{\"" : ",\"") + parts_[i].name + "\":" + parts_[i].json;
  }
  return text;
}

std::string RunKey::key() const {
  Sha256 hash = begun_;
  hash.update(text_of(unchanged_, parts_.size()) + "}");
  return hex(hash.finish());
}

std::string RunKey::training_key() const {
  std::string text;
  for (const Part& part : parts_) {
    if (!part.of_training.empty())
      text += (text.empty() ? "{\"" : ",\"") + part.name + "\":" + part.of_training;
  }
  return sha256(text + "}");
}

Value load_config(const std::filesystem::path& file, std::span<const std::string> overrides) {
  Value config = load_toml(file);
  apply_overrides(config, overrides);
  return config;
}

}  // namespace mq
