#include "meltquench/experiment/sweep_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/overrides.h"

namespace mq {
namespace {

constexpr std::size_t kMostPoints = 100000;

struct Axis {
  std::string key;
  std::vector<std::string> values;
  std::vector<Override> changes = {};  ///< the values, parsed
};

Axis axis_from_text(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::size_t first = text.find_first_not_of(' ');
  if (equals == std::string::npos || first == equals) {
    throw ConfigError("'" + text + "' is no sweep axis; write key=a,b,c, e.g. adc.bits=4,6,8");
  }
  std::string key = text.substr(first, equals - first);
  key.erase(key.find_last_not_of(' ') + 1);
  return {key, sweep_values(std::string_view(text).substr(equals + 1), key)};
}

std::string text_of(const Value& value) { return value.is_text() ? value.as_text() : to_toml_value(value); }

void add_axis(std::vector<Axis>& axes, Axis axis) {
  const auto is_same = [&](const Axis& other) { return other.key == axis.key; };
  if (std::any_of(axes.begin(), axes.end(), is_same)) {
    throw ConfigError("the sweep lists " + axis.key + " twice; write all of its values into one list");
  }
  axes.push_back(std::move(axis));
}

void add_table(std::vector<Axis>& axes, const Value& table, const std::string& prefix) {
  for (const auto& entry : table.as_table()) {
    const std::string key = prefix + entry.key;
    if (entry.value.is_table()) {  // adc.bits without quotes is a table adc with a key bits
      add_table(axes, entry.value, key + ".");
    } else if (entry.value.is_array()) {
      Axis axis{key, {}};
      for (const Value& value : entry.value.as_array()) axis.values.push_back(text_of(value));
      add_axis(axes, std::move(axis));
    } else {
      add_axis(axes, {key, sweep_values(text_of(entry.value), key)});
    }
  }
}

/// Throws for a key that no sweep can have, and for a value that stands there twice.
void check_axis(const Axis& axis) {
  if (axis.values.empty()) throw ConfigError("the sweep of " + axis.key + " lists no value");
  if (axis.key == "sweep" || axis.key.starts_with("sweep.")) {
    throw ConfigError(fmt::format("{} cannot be swept: it is a sweep itself; write {}", axis.key,
                                  axis.key == "sweep"
                                      ? "its keys, like adc.bits=4,6"
                                      : axis.key.substr(6) + "=" + axis.values.front() + ",..."));
  }
  if (axis.key == "name" || axis.key == "schema") {
    throw ConfigError(axis.key +
                      " cannot be swept: all points of a sweep lie in one folder, and results do "
                      "not depend on it");
  }
  std::set<std::string_view> seen;
  for (const std::string& value : axis.values) {
    if (!seen.insert(value).second) {
      throw ConfigError(
          fmt::format("the sweep of {} lists {} twice; each value is one point", axis.key, value));
    }
  }
}

std::vector<Axis> axes_of(const Value& config, std::span<const std::string> extra) {
  std::vector<Axis> axes, of_extra;
  for (const std::string& text : extra) add_axis(of_extra, axis_from_text(text));
  if (const Value* sweep = config.find("sweep")) {
    if (!sweep->is_table())
      throw_config_error("sweep must be a table of keys with lists of values", sweep->source());
    add_table(axes, *sweep, "");
  }
  for (Axis& axis : of_extra) {
    std::erase_if(axes, [&](const Axis& other) { return other.key == axis.key; });
    axes.push_back(std::move(axis));
  }
  for (Axis& axis : axes) {
    check_axis(axis);
    for (const std::string& value : axis.values)
      axis.changes.push_back(parse_override(axis.key + "=" + value));
  }
  return axes;
}

/// Resolves configs that differ in the sections that are swept, and shares the others.
class Resolver {
 public:
  Resolver(const Value& base, const std::vector<Axis>& axes) : swept_(Value::table()) {
    for (const Axis& axis : axes) add_section(axis.key.substr(0, axis.key.find('.')));
    // Rules are checked with the hardware that they change.
    if (!axes.empty() && base.find("layer") != nullptr) add_section("layer");
    Value shared = base;
    for (const std::string& section : sections_) {
      if (const Value* value = base.find(section)) swept_.set_key(section, *value);
      shared.erase_key(section);
    }
    shared_ = RunConfig::from_value(shared);
    key_ = std::make_unique<RunKey>(shared_);
    training_key_ = key_->training_key();
    trains_ = std::any_of(sections_.begin(), sections_.end(), RunKey::trains);
  }

  void resolve(std::vector<Override> changes, SweepPoint& point) {
    Value table = swept_;
    apply_overrides(table, std::move(changes));
    point.config = shared_;
    point.config.read(table);
    key_->update(point.config, sections_);
    point.key = key_->key();
    point.training_key = trains_ ? key_->training_key() : training_key_;
  }

 private:
  void add_section(std::string section) {
    if (std::find(sections_.begin(), sections_.end(), section) == sections_.end()) {
      sections_.push_back(std::move(section));
    }
  }

  std::vector<std::string> sections_;
  Value swept_;  ///< what the config says of these
  RunConfig shared_;
  std::unique_ptr<RunKey> key_;
  std::string training_key_;
  bool trains_ = false;
};

/// Points that are the same run would be shown as if their settings did nothing.
class Distinct {
 public:
  void add(const SweepPoint& point, std::size_t index, const std::vector<SweepPoint>& points) {
    const auto [other, is_new] = seen_.emplace(point.key, index);
    if (is_new) return;
    throw ConfigError(
        fmt::format("the sweep points {} and {} are the same run; leave out one of them, or the "
                    "key that makes no difference",
                    points[other->second].label(), point.label()));
  }

 private:
  std::unordered_map<std::string, std::size_t> seen_;
};

}  // namespace

std::string SweepPoint::label() const {
  std::string text;
  for (const auto& [key, value] : settings) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text;
}

std::vector<SweepPoint> sweep_points(const Value& config, std::span<const std::string> extra) {
  const std::vector<Axis> axes = axes_of(config, extra);
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    if (axis.values.size() > kMostPoints / count) {
      throw ConfigError("the sweep has more than " + std::to_string(kMostPoints) +
                        " points; sweep fewer values");
    }
    count *= axis.values.size();
  }
  auto base = std::make_shared<Value>(config);
  base->erase_key("sweep");
  std::vector<SweepPoint> points;
  points.reserve(count);
  Distinct distinct;
  Resolver resolver(*base, axes);
  for (std::size_t i = 0; i < count; ++i) {
    SweepPoint point;
    point.base = base;
    std::size_t rest = i, size = count;
    std::vector<Override> changes;
    for (const Axis& axis : axes) {
      size /= axis.values.size();
      point.settings.emplace_back(axis.key, axis.values[rest / size]);
      changes.push_back(axis.changes[rest / size]);
      rest %= size;
    }
    try {
      resolver.resolve(std::move(changes), point);
    } catch (const ConfigError& error) {
      if (axes.empty()) throw;
      throw ConfigError("at the sweep point " + point.label() + ": " + error.what());
    }
    distinct.add(point, i, points);
    points.push_back(std::move(point));
  }
  return points;
}

}  // namespace mq
