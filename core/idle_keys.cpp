#include "meltquench/core/idle_keys.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/config.h"
#include "meltquench/core/error.h"

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
