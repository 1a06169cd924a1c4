/// The templates behind fields.h: which member type becomes which kind of value. Do not include directly.
#pragma once

#include <concepts>

#include "meltquench/core/fields.h"

namespace mq {
namespace detail {

// What does not depend on the member's type lives in fields.cpp.
double read_number(const Value& value, const Rule& rule, std::string_view path);
float read_float(const Value& value, const Rule& rule, std::string_view path);
std::int64_t read_integer(const Value& value, const Rule& rule, std::int64_t low, std::int64_t high,
                          std::string_view path);
std::uint64_t read_unsigned(const Value& value, const Rule& rule, std::string_view path);
bool read_boolean(const Value& value, std::string_view path);
std::string read_text(const Value& value, const Rule& rule, std::string_view path);
std::size_t read_choice(const Value& value, std::span<const std::string_view> names, std::string_view path);
PiecewiseTable read_curve(const Value& value, const Rule& rule, std::string_view path);
const Value::Array& read_array(const Value& value, std::string_view path);
void check_length(const Value& value, std::size_t expected, std::string_view path);
bool is_unset(const Value& value);

Value write_number(double value, const Rule& rule, Quantities quantities);
Value write_number(float value, const Rule& rule, Quantities quantities);
Value write_unsigned(std::uint64_t value);
Value write_curve(const PiecewiseTable& curve, const Rule& rule, Quantities quantities);

void check_keys(const Value& table, std::span<const std::string> known, std::string_view path);
[[noreturn]] void throw_problem(const std::string& problem, const Value& table, std::string_view path);
std::string join_path(std::string_view path, std::string_view name);
std::string join_index(std::string_view path, std::size_t index);
std::string default_text(const Value& value);
void describe_rule(const Rule& rule, FieldInfo& info);

template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <class T, std::size_t N>
inline constexpr bool kIsList<std::array<T, N>> = true;

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
inline constexpr bool kIsFixedList = false;
template <class T, std::size_t N>
inline constexpr bool kIsFixedList<std::array<T, N>> = true;

template <class M>
concept OwnField = requires(M& member, const Value& value, FieldInfo& info) {
  field_from_value(member, value, std::string_view());
  { field_to_value(member, Quantities::in_si) } -> std::same_as<Value>;
  describe_field(member, info);
};

/// An enum's names and enumerators from `names(E)`, in either of its two forms.
template <class E>
struct EnumNames {
  static constexpr auto kList = names(E{});
  static constexpr std::size_t kSize = kList.size();

  static constexpr std::array<std::string_view, kSize> texts() {
    std::array<std::string_view, kSize> result{};
    for (std::size_t i = 0; i < kSize; ++i) {
      if constexpr (requires { kList[0].first; }) {
        result[i] = kList[i].first;
      } else {
        result[i] = kList[i];
      }
    }
    return result;
  }
  static constexpr E value(std::size_t index) {
    if constexpr (requires { kList[0].first; }) {
      return kList[index].second;
    } else {
      return static_cast<E>(index);
    }
  }
  static std::string_view text(E enumerator) {
    for (std::size_t i = 0; i < kSize; ++i) {
      if (value(i) == enumerator) return texts()[i];
    }
    return {};
  }
};

template <class M>
void read_member(M& member, const Value& value, const Rule& rule, std::string_view path) {
  if constexpr (OwnField<M>) {
    field_from_value(member, value, path);
  } else if constexpr (Described<M>) {
    from_value(member, value, path);
  } else if constexpr (std::is_same_v<M, bool>) {
    member = read_boolean(value, path);
  } else if constexpr (std::is_enum_v<M>) {
    constexpr auto texts = EnumNames<M>::texts();
    member = EnumNames<M>::value(read_choice(value, texts, path));
  } else if constexpr (std::is_same_v<M, float>) {
    member = read_float(value, rule, path);
  } else if constexpr (std::is_same_v<M, double>) {
    member = read_number(value, rule, path);
  } else if constexpr (std::is_same_v<M, std::uint64_t>) {
    member = read_unsigned(value, rule, path);
  } else if constexpr (std::is_integral_v<M>) {
    using Limits = std::numeric_limits<M>;
    member = static_cast<M>(read_integer(value, rule, Limits::min(), Limits::max(), path));
  } else if constexpr (std::is_same_v<M, std::string>) {
    member = read_text(value, rule, path);
  } else if constexpr (std::is_same_v<M, PiecewiseTable>) {
    member = read_curve(value, rule, path);
  } else if constexpr (kIsOptional<M>) {
    if (is_unset(value)) {
      member.reset();
    } else {
      read_member(member.emplace(), value, rule, path);
    }
  } else if constexpr (kIsList<M>) {
    const Value::Array& elements = read_array(value, path);
    M list{};
    if constexpr (kIsFixedList<M>) {
      check_length(value, list.size(), path);
    } else {
      list.resize(elements.size());
    }
    for (std::size_t i = 0; i < elements.size(); ++i) {
      typename M::value_type element{};  // not list[i]: vector<bool> has no references
      read_member(element, elements[i], rule, join_index(path, i));
      list[i] = std::move(element);
    }
    member = std::move(list);
  } else {
    static_assert(kIsList<M>, "no parameter can have this type; see the list in fields.h");
  }
}

template <class M>
Value write_member(const M& member, const Rule& rule, Quantities quantities) {
  if constexpr (OwnField<const M> || OwnField<M>) {
    return field_to_value(member, quantities);
  } else if constexpr (Described<M>) {
    return to_value(member, quantities);
  } else if constexpr (std::is_same_v<M, bool> || std::is_same_v<M, std::string>) {
    return Value(member);
  } else if constexpr (std::is_enum_v<M>) {
    return Value(EnumNames<M>::text(member));
  } else if constexpr (std::is_floating_point_v<M>) {
    return write_number(member, rule, quantities);
  } else if constexpr (std::is_same_v<M, std::uint64_t>) {
    return write_unsigned(member);
  } else if constexpr (std::is_integral_v<M>) {
    return Value(static_cast<std::int64_t>(member));
  } else if constexpr (std::is_same_v<M, PiecewiseTable>) {
    return write_curve(member, rule, quantities);
  } else if constexpr (kIsOptional<M>) {
    if (member) return write_member(*member, rule, quantities);
    return quantities == Quantities::in_si ? Value() : Value("unset");
  } else {
    Value::Array array;
    for (std::size_t i = 0; i < member.size(); ++i) {
      const typename M::value_type element = member[i];
      array.push_back(write_member(element, rule, quantities));
    }
    return Value(std::move(array));
  }
}

template <class M>
void describe_member(const M& member, const Rule& rule, FieldInfo& info) {
  describe_rule(rule, info);
  if constexpr (OwnField<const M> || OwnField<M>) {
    describe_field(member, info);
    return;
  } else if constexpr (Described<M>) {
    info.kind = FieldKind::table;
    info.children = field_infos<M>();
    return;
  } else if constexpr (std::is_same_v<M, bool>) {
    info.kind = FieldKind::boolean;
  } else if constexpr (std::is_enum_v<M>) {
    info.kind = FieldKind::choice;
    for (std::string_view text : EnumNames<M>::texts()) info.choices.emplace_back(text);
  } else if constexpr (std::is_floating_point_v<M>) {
    info.kind = FieldKind::number;
  } else if constexpr (std::is_integral_v<M>) {
    info.kind = FieldKind::integer;
  } else if constexpr (std::is_same_v<M, std::string>) {
    info.kind = FieldKind::text;
  } else if constexpr (std::is_same_v<M, PiecewiseTable>) {
    info.kind = FieldKind::curve;
  } else if constexpr (kIsOptional<M>) {
    describe_member(typename M::value_type{}, rule, info);
    info.is_optional = true;
  } else {
    describe_member(typename M::value_type{}, Rule{}, info);
    describe_rule(rule, info);
    info.is_list = true;
  }
  info.default_text = default_text(write_member(member, rule, Quantities::with_units));
}

template <class T>
concept HasProblem = requires(const T& object) {
  { object.problem() } -> std::convertible_to<std::string>;
};

}  // namespace detail

template <Described T>
Value to_value(const T& object, Quantities quantities) {
  Value table = Value::table();
  T::describe()([&](const auto& field) {
    table.set_key(field.name, detail::write_member(object.*field.member, field.rule, quantities));
  });
  return table;
}

template <Described T>
void from_value(T& object, const Value& table, std::string_view path) {
  static const std::vector<std::string> known = [] {
    std::vector<std::string> names;
    T::describe()([&](const auto& field) { names.emplace_back(field.name); });
    return names;
  }();
  detail::check_keys(table, known, path);
  T result = object;
  T::describe()([&](const auto& field) {
    if (const Value* value = table.find(field.name)) {
      detail::read_member(result.*field.member, *value, field.rule, detail::join_path(path, field.name));
    }
  });
  if constexpr (detail::HasProblem<T>) {
    const std::string problem = result.problem();
    if (!problem.empty()) detail::throw_problem(problem, table, path);
  }
  object = std::move(result);
}

template <Described T>
void check_fields(const T& object, std::string_view path) {
  T copy = object;
  from_value(copy, to_value(object, Quantities::in_si), path);
}

template <Described T>
std::vector<FieldInfo> field_infos() {
  const T defaults{};
  std::vector<FieldInfo> infos;
  T::describe()([&](const auto& field) {
    FieldInfo info;
    info.name = field.name;
    info.sentence = field.sentence;
    info.where = field.where;
    detail::describe_member(defaults.*field.member, field.rule, info);
    infos.push_back(std::move(info));
  });
  return infos;
}

}  // namespace mq
