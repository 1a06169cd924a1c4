/// Keys that are set where they cannot act: the one rule for all of them.
///
/// `settle` gives every member that cannot act its default, so that equal behaviour has one form, and lists
/// those of them that a table sets to something else: setting these is a mistake to report. A default that is
/// written out, as a resolved config has it, is none.
#pragma once

#include <concepts>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/fields.h"

namespace mq {

/// A key that cannot act and does not have its default.
struct IdleKey {
  std::string path;     ///< "adc.noise"
  std::string value;    ///< as it would stand in TOML
  std::string where;    ///< when it would act: "adc.bits > 0"
  Source source;        ///< of the value
  bool is_set = false;  ///< by the table; else it comes from a preset
};

/// "adc.noise = 50.0 cannot act here: it acts where adc.bits > 0; leave it out, or change that"
std::string idle_key_message(const IdleKey& key);
/// Throws ConfigError, underlined, for the first key that the table sets.
void refuse_idle_keys(const std::vector<IdleKey>& keys);
/// Removes those keys of a config's file that act if overrides are left out, and returns them: who narrows a
/// run by an override need not edit the file. `idle_of`: the keys that cannot act in the file alone.
std::vector<IdleKey> take_overridden(std::vector<IdleKey>& idle, const Value& config,
                                     const std::function<std::vector<IdleKey>(const Value& file)>& idle_of);
/// "adc.noise = 50.0 of the config does not act here, as overrides have it: it acts where adc.bits > 0"
std::string overridden_key_message(const IdleKey& key);

/// Tables that together are a config; each section is in one of them.
using ConfigTables = std::span<const Value* const>;
const Value* find_table(ConfigTables tables, std::string_view section);

/// Whether the list names the path.
bool names_path(const std::vector<IdleKey>& keys, std::string_view path);
/// The keys of `a` that `b` names too.
std::vector<IdleKey> idle_in_both(std::vector<IdleKey> a, const std::vector<IdleKey>& b);

namespace detail {

template <class M>
bool equal_members(const M& a, const M& b, const Rule& rule) {
  if constexpr (requires {
                  { a == b } -> std::convertible_to<bool>;
                }) {
    return a == b;
  } else {
    return write_member(a, rule, Quantities::in_si) == write_member(b, rule, Quantities::in_si);
  }
}

/// Adds `path`, or what the table sets of it where it is a table.
void add_idle_key(const std::string& path, std::string_view where, const Value& value, const Value& standard,
                  const Value* set, bool is_struct, std::vector<IdleKey>& idle);

}  // namespace detail

/// `defaults`: what members that cannot act become. `table`: the keys that are set, or null. `unmet(name)`:
/// a condition from outside of the struct under which this member acts and which is not met; empty: there is
/// none. Appends to `idle` in order of the fields. With `only`, members whose path it does not name are left.
template <Described T, class Unmet>
void settle(T& object, const T& defaults, const Value* table, const std::string& path, const Unmet& unmet,
            std::vector<IdleKey>& idle, const std::vector<IdleKey>* only = nullptr) {
  if (table != nullptr && !table->is_table()) table = nullptr;  // the name of a preset
  T::describe()([&](const auto& field) {
    auto& member = object.*field.member;
    using M = std::remove_cvref_t<decltype(member)>;
    const bool is_acting = field.is_acting == nullptr || field.is_acting(object);
    const std::string_view where = is_acting ? std::string_view(unmet(field.name)) : field.where;
    const Value* set = table != nullptr ? table->find(field.name) : nullptr;
    if (where.empty()) {
      if constexpr (Described<M>) {
        const auto none = [](std::string_view) { return std::string_view(); };
        settle(member, defaults.*field.member, set, detail::join_path(path, field.name), none, idle, only);
      }
      return;
    }
    if (detail::equal_members<M>(member, defaults.*field.member, field.rule)) return;
    const std::string here = detail::join_path(path, field.name);
    if (only != nullptr && !names_path(*only, here)) return;
    using enum Quantities;
    detail::add_idle_key(here, where, detail::write_member(member, field.rule, with_units),
                         detail::write_member(defaults.*field.member, field.rule, with_units), set,
                         Described<M>, idle);
    member = defaults.*field.member;
  });
}

}  // namespace mq
