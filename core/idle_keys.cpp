#include "meltquench/core/idle_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"
#include "meltquench/core/overrides.h"

namespace mq {

std::string idle_key_message(const IdleKey& key) {
  return fmt::format("{} = {} cannot act here: it acts where {}; leave it out, or change that", key.path,
                     key.value, key.where);
}

void refuse_idle_keys(const std::vector<IdleKey>& keys) {
  for (const IdleKey& key : keys) {
    if (key.is_set) throw_config_error(idle_key_message(key), key.source);
  }
}

std::string overridden_key_message(const IdleKey& key) {
  return fmt::format("{} = {} of the config does not act here, as overrides have it: it acts where {}",
                     key.path, key.value, key.where);
}

std::vector<IdleKey> take_overridden(std::vector<IdleKey>& idle, const Value& config,
                                     const std::function<std::vector<IdleKey>(const Value& file)>& idle_of) {
  const auto is_of_file = [](const IdleKey& key) { return key.is_set && !is_override(key.source); };
  if (std::none_of(idle.begin(), idle.end(), is_of_file) || !has_overrides(config)) return {};
  std::vector<IdleKey> without;
  if (const auto& text = config.source().text) {  // a table that code made has none
    try {
      without = idle_of(parse_toml(fmt::format("{}", fmt::join(text->lines, "\n")), text->name));
    } catch (const ConfigError&) {
      // A file that is whole only with overrides.
    }
  }
  std::vector<IdleKey> overridden, others;
  for (IdleKey& key : idle) {
    const bool acts_without = is_of_file(key) && !names_path(without, key.path);
    (acts_without ? overridden : others).push_back(std::move(key));
  }
  idle = std::move(others);
  return overridden;
}

const Value* find_table(ConfigTables tables, std::string_view section) {
  for (const Value* table : tables) {
    if (const Value* found = table->find(section)) return found;
  }
  return nullptr;
}

bool names_path(const std::vector<IdleKey>& keys, std::string_view path) {
  return std::any_of(keys.begin(), keys.end(), [&](const IdleKey& key) {
    return key.path == path || (key.path.starts_with(path) && key.path[path.size()] == '.');
  });
}

std::vector<IdleKey> idle_in_both(std::vector<IdleKey> a, const std::vector<IdleKey>& b) {
  std::erase_if(a, [&](const IdleKey& key) { return !names_path(b, key.path); });
  return a;
}

void detail::add_idle_key(const std::string& path, std::string_view where, const Value& value,
                          const Value& standard, const Value* set, bool is_struct,
                          std::vector<IdleKey>& idle) {
  if (!is_struct || !value.is_table() || set == nullptr || !set->is_table()) {
    idle.push_back({.path = path,
                    .value = to_toml_value(value),
                    .where = std::string(where),
                    .source = set != nullptr ? set->source() : Source{},
                    .is_set = set != nullptr});
    return;
  }
  for (const Value::Entry& entry : value.as_table()) {
    const Value& usual = *standard.find(entry.key);
    if (entry.value == usual) continue;
    add_idle_key(join_path(path, entry.key), where, entry.value, usual, set->find(entry.key), true, idle);
  }
}

}  // namespace mq
