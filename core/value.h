/// A value of a config file, a JSON line or a parameter struct: null, boolean, integer, number, text, array
/// or table.
///
/// A value that came from text remembers where it stood, so that any later error can show and underline it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace mq {

struct SourceText {
  std::string name;  ///< file name, or "--set" for an option
  std::vector<std::string> lines;
};

/// A piece of one line of text. Lines and columns count from 1, in bytes; line 0 means "not from a text".
struct Source {
  std::shared_ptr<const SourceText> text;
  int line = 0;
  int column = 0;
  int length = 1;
};

class Value {
 public:
  struct Entry;
  using Array = std::vector<Value>;
  using Table = std::vector<Entry>;  ///< in order of insertion

  enum class Kind { null, boolean, integer, number, text, array, table };

  // Defined in the .cpp: a table holds entries, which hold values, so here an entry is not yet complete.
  Value();
  Value(const Value& other);
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other);
  Value& operator=(Value&& other) noexcept;
  ~Value();

  Value(bool value);
  Value(int value);
  Value(std::int64_t value);
  Value(double value);
  Value(std::string value);
  Value(std::string_view value);
  Value(const char* value);
  Value(Array value);
  Value(Table value);
  template <class Other>  // a pointer or another type of integer must not become a bool
  requires(std::is_arithmetic_v<Other> || std::is_pointer_v<Other>) Value(Other)
  = delete;

  static Value array();
  static Value table();

  Kind kind() const { return static_cast<Kind>(data_.index()); }
  /// "an integer", "a table", ... for error messages.
  std::string_view kind_name() const;
  bool is_null() const { return kind() == Kind::null; }
  bool is_boolean() const { return kind() == Kind::boolean; }
  bool is_integer() const { return kind() == Kind::integer; }
  bool is_number() const { return kind() == Kind::number; }
  bool is_text() const { return kind() == Kind::text; }
  bool is_array() const { return kind() == Kind::array; }
  bool is_table() const { return kind() == Kind::table; }

  /// Each throws ConfigError, underlined if the value has a source, when the value is of another kind.
  bool as_boolean() const;
  std::int64_t as_integer() const;
  double as_number() const;  ///< an integer counts as a number
  const std::string& as_text() const;
  const Array& as_array() const;
  Array& as_array();
  const Table& as_table() const;
  Table& as_table();

  /// Entry of a table, or null if there is none or this is no table.
  const Value* find(std::string_view key) const;
  Value* find(std::string_view key);

  /// Follows a dotted path, "device.g_max" or "layer.0.match". Throws ConfigError if something on it is not
  /// there.
  const Value& at(std::string_view path) const;
  bool contains(std::string_view path) const;
  /// Follows a dotted path, makes the tables that are missing, and sets what stands at its end. Throws
  /// ConfigError if something on the path is no table (nor an array that has this index).
  void set(std::string_view path, Value value);
  /// Sets or adds one key of this table; the key is taken as it is, dots included.
  Value& set_key(std::string_view key, Value value);
  /// Removes one key of this table; false if there was none.
  bool erase_key(std::string_view key);

  const Source& source() const { return source_; }
  void set_source(Source source) { source_ = std::move(source); }

  /// Equal content; the order of keys and the sources do not count, and an integer never equals a number.
  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Table> data_;
  Source source_;
};

struct Value::Entry {
  std::string key;
  Value value;
  Source key_source{};

  friend bool operator==(const Entry& a, const Entry& b) { return a.key == b.key && a.value == b.value; }
};

/// The place in the text as the lines that follow a message, starting with a line break; empty without a
/// source.
///      --> run.toml:3:9
///       |
///     3 | g_max = 25
///       |         ^~
std::string underlined(const Source& source);

/// Throws ConfigError: the sentence, then the place.
[[noreturn]] void throw_config_error(const std::string& sentence, const Source& source);

}  // namespace mq
