#include "meltquench/core/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>
#include <system_error>
#include <toml.hpp>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"

namespace mq {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;  // toml11's positions cost time in proportion to size squared
constexpr int kMaxDepth = 32;

std::shared_ptr<const SourceText> split_lines(std::string_view text, std::string_view name) {
  auto source = std::make_shared<SourceText>();
  source->name = name;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    std::string_view line = text.substr(start, end - start);
    if (line.ends_with('\r')) line.remove_suffix(1);
    source->lines.emplace_back(line);
    start = end + 1;
  }
  return source;
}

/// Skips a string that starts at `i`; returns the place behind it.
std::size_t end_of_string(std::string_view text, std::size_t i) {
  const char quote = text[i];
  const std::string triple(3, quote);
  const bool is_long = text.substr(i, 3) == triple;
  std::size_t k = i + (is_long ? 3 : 1);
  while (k < text.size()) {
    if (text[k] == '\\' && quote == '"') {
      k += 2;
    } else if (is_long ? text.substr(k, 3) == triple : text[k] == quote) {
      return k + (is_long ? 3 : 1);
    } else if (!is_long && text[k] == '\n') {
      return k;
    } else {
      ++k;
    }
  }
  return text.size();
}

/// toml11 calls itself for each level, so text that nests too deeply must not reach it.
void check_depth(std::string_view text, const std::shared_ptr<const SourceText>& source) {
  int brackets = 0, dots = 0, line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::size_t end = end_of_string(text, i);
      line += static_cast<int>(std::count(text.begin() + i, text.begin() + std::min(end, text.size()), '\n'));
      i = end - 1;
      continue;
    }
    if (c == '#') i = std::min(text.find('\n', i), text.size() - 1);
    if (c == '[' || c == '{') ++brackets;
    if (c == ']' || c == '}') brackets = std::max(0, brackets - 1);
    if (c == '.') ++dots;
    if (c == '[' || c == '{' || c == ',' || c == '=' || c == '\n') dots = 0;
    if (brackets > kMaxDepth || dots > kMaxDepth) {
      throw_config_error(fmt::format("this is nested deeper than {} levels", kMaxDepth),
                         {source, line, static_cast<int>(i - line_start) + 1, 1});
    }
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  }
}

/// Turns toml11's document into a `Value` with its own positions.
class Converter {
 public:
  explicit Converter(std::shared_ptr<const SourceText> source) : source_(std::move(source)) {}

  Value convert(const toml::value& from) const {
    Value value = convert_content(from);
    value.set_source(place(from));
    return value;
  }

 private:
  Source place(const toml::value& from) const {
    const toml::source_location at = from.location();
    return {source_, static_cast<int>(at.line()), static_cast<int>(at.column()),
            static_cast<int>(at.region())};
  }

  /// The characters of a number, without the underscores and the "+" that TOML allows.
  std::string number_text(const Source& at) const {
    const std::string& line = source_->lines.at(static_cast<std::size_t>(at.line) - 1);
    std::string text = line.substr(std::min<std::size_t>(at.column - 1, line.size()), at.length);
    std::erase(text, '_');
    if (text.starts_with('+')) text.erase(0, 1);
    return text;
  }

  Value convert_integer(const toml::value& from) const {
    // toml11 silently takes the largest integer for one that is too large.
    const Source at = place(from);
    std::string text = number_text(at);
    int base = 10;
    for (const auto& [prefix, its_base] : {std::pair{"0x", 16}, {"0o", 8}, {"0b", 2}}) {
      if (text.starts_with(prefix)) {
        base = its_base;
        text.erase(0, 2);
      }
    }
    std::int64_t integer = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), integer, base);
    if (error == std::errc::result_out_of_range) {
      throw_config_error("the integer is too large (must fit into 64 bits with a sign)", at);
    }
    if (error != std::errc() || end != text.data() + text.size())
      return Value(std::int64_t{from.as_integer()});
    return Value(integer);  // toml11 reads by the rules of the global locale
  }

  Value convert_number(const toml::value& from) const {
    if (!std::isfinite(from.as_floating())) return Value(from.as_floating());
    // toml11 takes the largest number for one that is too large, and reads by the rules of the global locale.
    const Source at = place(from);
    const std::string text = number_text(at);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) {
      throw_config_error("the number is too large or too small for double precision", at);
    }
    return Value(number);
  }

  Value convert_content(const toml::value& from) const {
    switch (from.type()) {
      case toml::value_t::boolean:
        return Value(from.as_boolean());
      case toml::value_t::integer:
        return convert_integer(from);
      case toml::value_t::floating:
        return convert_number(from);
      case toml::value_t::string:
        return Value(from.as_string().str);
      case toml::value_t::array: {
        Value::Array array;
        for (const toml::value& element : from.as_array()) array.push_back(convert(element));
        return Value(std::move(array));
      }
      case toml::value_t::table:
        return convert_table(from.as_table());
      default:
        throw_config_error("dates and times of day mean nothing here; put text in quotes", place(from));
    }
  }

  Value convert_table(const toml::table& from) const {
    Value::Table table;
    for (const auto& [key, value] : from) {
      table.push_back({key, convert(value), {}});
      table.back().key_source = place_of_key(key, table.back().value.source());
    }
    // toml11 forgets the order; the positions know it.
    std::sort(table.begin(), table.end(), [](const Value::Entry& a, const Value::Entry& b) {
      const Source& at = a.value.source();
      const Source& bt = b.value.source();
      return std::tie(at.line, at.column, a.key) < std::tie(bt.line, bt.column, b.key);
    });
    return Value(std::move(table));
  }

  /// The key stands before its value in the same line; a table's own position is its header.
  Source place_of_key(const std::string& key, const Source& value) const {
    if (value.line < 1 || static_cast<std::size_t>(value.line) > source_->lines.size()) return value;
    const std::string& line = source_->lines[value.line - 1];
    const std::size_t limit =
        static_cast<std::size_t>(value.column + (line.starts_with('[') ? value.length : 0));
    const std::size_t found = key.empty() ? std::string::npos : line.rfind(key, limit);
    if (found == std::string::npos) return value;
    return {source_, value.line, static_cast<int>(found) + 1, static_cast<int>(key.size())};
  }

  std::shared_ptr<const SourceText> source_;
};

/// What toml11 says, taken apart: its location object often points to the start of the file, its text never
/// does.
///     [error] toml::parse_array: missing array separator `,` after a value
///      --> f.toml
///        |
///      2 | b=3
///        | ^--- should be `,`
struct SyntaxProblem {
  std::string sentence;
  std::string note;
  int line = 0, column = 1, length = 1;
};

SyntaxProblem take_apart(const std::string& message) {
  SyntaxProblem problem;
  std::istringstream lines(message);
  std::string line;
  std::getline(lines, line);
  for (std::string_view prefix : {"[error] ", "toml::"}) {
    if (line.starts_with(prefix)) line.erase(0, prefix.size());
  }
  const std::size_t colon = line.find(": ");  // the name of a function of toml11 comes before it
  problem.sentence = colon == std::string::npos ? "" : line.substr(colon + 2);

  int numbered = 0;
  for (std::size_t bar; std::getline(lines, line);) {
    bar = line.find(" |");
    if (bar == std::string::npos) continue;
    const std::string number = line.substr(0, bar);
    if (number.find_first_of("0123456789") != std::string::npos) {
      std::from_chars(number.data() + number.find_first_not_of(' '), number.data() + number.size(), numbered);
      continue;
    }
    const std::size_t mark = line.find_first_of("^~", bar);
    if (mark == std::string::npos || numbered == 0) continue;
    problem.line = numbered;
    problem.column = static_cast<int>(mark - bar) - 2;
    const std::size_t mark_end = std::min(line.find_first_not_of("^~-", mark), line.size());
    problem.length = line[mark] == '~' ? static_cast<int>(mark_end - mark) : 1;
    problem.note = mark_end < line.size() ? line.substr(mark_end + 1) : "";
  }
  return problem;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// In plain words, with the way out, where the mistake is a usual one.
std::string describe(const SyntaxProblem& problem) {
  const std::string& note = problem.note;
  if (contains(note, "defined twice")) return "this is defined twice; keep one of the two";
  if (contains(problem.sentence, "invalid line format")) {
    return "the value ends before this; put text and quantities with a unit in quotes, as in \"25 uS\"";
  }
  if (contains(note, "not a boolean") || contains(problem.sentence, "unknown value")) {
    return "this is no value; put text in quotes";
  }
  if (contains(problem.sentence, "not a valid string"))
    return "this text is not closed or has an unknown \\ escape";
  if (contains(problem.sentence, "invalid key") || contains(problem.sentence, "format for key")) {
    return "this is no valid key (letters, digits, _ and -, or in quotes; a table is [name])";
  }
  if (problem.sentence.empty()) return note.empty() ? "this is not valid TOML" : note;
  return note.empty() || note == "here" ? problem.sentence : problem.sentence + " (" + note + ")";
}

}  // namespace

Value parse_toml(std::string_view text, std::string_view name) {
  if (text.size() > kMaxBytes) {
    throw ConfigError(fmt::format("{} is too long for a config: {} bytes (must be at most {})", name,
                                  text.size(), kMaxBytes));
  }
  const auto source = split_lines(text, name);
  check_depth(text, source);
  toml::value document;
  try {
    std::istringstream stream{std::string(text)};
    document = toml::parse(stream, std::string(name));
  } catch (const toml::syntax_error& error) {
    const SyntaxProblem problem = take_apart(error.what());
    const Source place{source, problem.line, problem.column, problem.length};
    throw_config_error(problem.line > 0 ? describe(problem) : fmt::format("{}: {}", name, describe(problem)),
                       place);
  } catch (
      const std::exception& error) {  // toml11 lets some of std's through, as for an impossible \U escape
    throw ConfigError(fmt::format("{} is not valid TOML: {}", name, error.what()));
  }
  Value table = Converter(source).convert(document);
  table.set_source({source, 0, 1, 1});
  return table;
}

Value load_toml(const std::filesystem::path& path) { return parse_toml(read_file(path), path.string()); }

}  // namespace mq
