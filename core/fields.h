/// Parameters described once: `describe()` lists the members of a struct with name, unit, range and a
/// sentence, and from this come config keys, checks, error messages, `meltquench describe`, Python keywords
/// and reference pages.
///
///     struct Adc {
///       int bits = 8;
///       float range = 1.0_uA;
///       static constexpr auto describe() {
///         using enum Unit;
///         return fields(field("bits", &Adc::bits, between(1, 16), "Resolution."),
///                       field("range", &Adc::range, ampere, positive, "Largest current."));
///       }
///     };
///
/// Members: float and double (unit and range), integers (range), bool, enums, std::string (any text,
/// `one_of(...)`, or a check function), std::array and std::vector of these, std::optional<double> (null or
/// "unset"), PiecewiseTable (units of x and y), structs with their own `describe()`, and std::vector of such
/// structs. An enum's names come from a `constexpr auto names(E)` next to it: an array of texts for 0, 1,
/// ..., or of pairs (text, enumerator). Another type takes part through free functions next to it: `Value
/// field_to_value(const M&, Quantities)`, `void field_from_value(M&, const Value&, std::string_view path)`
/// and `void describe_field(const M&, FieldInfo&)`. A struct may have `std::string problem() const`: what is
/// wrong between its members, as "g_min must be below g_max".
///
/// A parameter that means nothing unless others have certain values says so:
///     field("shape", &Faults::shape, positive, "...")
///         .acts_where("faults.endurance > 0", [](const Faults& f) { return f.endurance > 0; })
/// core/idle_keys.h refuses it elsewhere, and documentation shows the text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "meltquench/core/piecewise_table.h"
#include "meltquench/core/units.h"
#include "meltquench/core/value.h"

namespace mq {

/// Which numbers are allowed; `low` and `high` belong to it unless they are excluded.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool excludes_low = false;

  constexpr bool contains(double value) const {
    return (excludes_low ? value > low : value >= low) && value <= high;
  }
};

constexpr Range between(double low, double high) { return {low, high}; }
constexpr Range at_least(double low) { return {.low = low}; }
inline constexpr Range any{};
inline constexpr Range positive{.low = 0, .excludes_low = true};
inline constexpr Range non_negative{.low = 0};
/// Full scales: far enough from the ends of single precision that products of two of them stay inside.
inline constexpr Range signal_scale{.low = 1e-12, .high = 1e12};

/// "in [1 nS, 1 mS]", "greater than 0 s", "at least 1"; empty for `any`.
std::string format_range(const Range& range, Unit unit);

/// The texts that a text parameter may have.
struct Choices {
  std::array<std::string_view, 16> texts{};
  std::size_t size = 0;
};
template <class... Texts>
constexpr Choices one_of(Texts... texts) {
  static_assert(sizeof...(Texts) <= 16);
  return {{std::string_view(texts)...}, sizeof...(Texts)};
}

/// Says what is wrong with a text: "is no number format"; empty if it is right.
using TextCheck = std::string (*)(const std::string&);

/// What a value must be, whatever the type of the member.
struct Rule {
  Unit unit = Unit::one;
  Range range = any;
  Choices choices{};
  TextCheck check = nullptr;
  Unit y_unit = Unit::one;  ///< of a PiecewiseTable, whose x has `unit`
};

template <class Owner, class M>
struct Field {
  using Pointer = M Owner::*;

  std::string_view name;
  Pointer member;
  Rule rule;
  std::string_view sentence;
  std::string_view where{};                   ///< when it acts; empty: always
  bool (*is_acting)(const Owner&) = nullptr;  ///< whether it does, among these members; null: always

  constexpr Field acts_where(std::string_view text, bool (*condition)(const Owner&)) const {
    Field result = *this;
    result.where = text;
    result.is_acting = condition;
    return result;
  }
};

template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member, Unit unit, Range range,
                            std::string_view sentence) {
  return {name, member, {.unit = unit, .range = range}, sentence};
}
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member, Unit unit, std::string_view sentence) {
  return {name, member, {.unit = unit}, sentence};
}
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member, Range range, std::string_view sentence) {
  return {name, member, {.range = range}, sentence};
}
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member, std::string_view sentence) {
  return {name, member, {}, sentence};
}
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member, Choices choices, std::string_view sentence) {
  return {name, member, {.choices = choices}, sentence};
}
template <class T, class M>
constexpr Field<T, M> field(std::string_view name, M T::*member, TextCheck check, std::string_view sentence) {
  return {name, member, {.check = check}, sentence};
}
template <class T>
constexpr Field<T, PiecewiseTable> field(std::string_view name, PiecewiseTable T::*member, Unit x_unit,
                                         Unit y_unit, std::string_view sentence) {
  return {name, member, {.unit = x_unit, .y_unit = y_unit}, sentence};
}

/// A list of fields: called with a visitor, it calls that with every field in order. No tuple, because each
/// file that includes a header with parameters would pay for its templates.
template <class... Fields>
constexpr auto fields(Fields... list) {
  return [=]([[maybe_unused]] auto&& visit) { (visit(list), ...); };
}

/// The fields of several lists, one list after the other.
template <class... Lists>
constexpr auto join_fields(Lists... lists) {
  return [=](auto&& visit) { (lists(visit), ...); };
}

template <class T>
concept Described = requires {
  T::describe();
};

/// How numbers with a unit appear in a `Value`: as text, "25 uS", or as SI numbers.
enum class Quantities { with_units, in_si };

enum class FieldKind { number, integer, boolean, choice, text, curve, table };

/// One parameter as documentation shows it.
struct FieldInfo {
  std::string name;
  FieldKind kind = FieldKind::table;
  bool is_list = false;      ///< an array of `kind`
  bool is_optional = false;  ///< may be "unset"
  Unit unit = Unit::one;
  Unit y_unit = Unit::one;           ///< of a curve
  std::string default_text;          ///< as it would stand in TOML; empty for a table
  std::string range_text;            ///< as `format_range`
  std::string sentence;              ///< what the parameter means
  std::string where;                 ///< "adc.bits > 0": when it acts; empty: always
  std::vector<std::string> choices;  ///< of a choice, or of a text that is one of a few
  std::vector<FieldInfo> children;   ///< of a table
};

/// "number", "list of integers", "one of a, b and c", ...
std::string format_kind(const FieldInfo& info);

/// The complete table of an object, defaults included, in the order of `describe()`.
template <Described T>
Value to_value(const T& object, Quantities quantities = Quantities::with_units);

/// Sets the members that `table` names and leaves the others. `path` ("device") is put in front of names in
/// messages. Throws ConfigError, underlined if the table came from a text, for an unknown key (with the
/// nearest name), a wrong type or unit, a number out of range, and what `problem()` says. The object is then
/// unchanged.
template <Described T>
void from_value(T& object, const Value& table, std::string_view path);

/// Checks an object that code has filled as `from_value` would. Throws ConfigError.
template <Described T>
void check_fields(const T& object, std::string_view path);

/// What `meltquench describe`, docstrings and reference pages show; defaults are those of `T{}`.
template <Described T>
std::vector<FieldInfo> field_infos();

}  // namespace mq

#include "meltquench/core/fields_detail.h"
