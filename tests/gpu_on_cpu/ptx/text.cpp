#include "text.h"

#include <charconv>

#include "ptx.h"

namespace ptx {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         c == '%';
}

/// The same text with comments blanked: lines stay where they are.
std::string without_comments(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '"') {
      for (++i; i < out.size() && out[i] != '"' && out[i] != '\n'; ++i) {
      }
    } else if (out.compare(i, 2, "//") == 0) {
      for (; i < out.size() && out[i] != '\n'; ++i) out[i] = ' ';
    } else if (out.compare(i, 2, "/*") == 0) {
      const std::size_t end = out.find("*/", i + 2);
      const std::size_t stop = end == std::string::npos ? out.size() : end + 2;
      for (; i < stop; ++i) out[i] = out[i] == '\n' ? '\n' : ' ';
      --i;
    } else if (out[i] == '\0') {
      out[i] = '?';
    }
  }
  return out;
}

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

/// Directives that end with their line, not with ';'.
bool ends_with_its_line(std::string_view text) {
  for (const char* directive : {".version", ".target", ".address_size", ".loc", ".file", "@@"}) {
    if (starts_with(text, directive)) return true;
  }
  return false;
}

bool opens_a_body(std::string_view text) {
  return text.empty() || text.find(".entry") != std::string_view::npos ||
         text.find(".func") != std::string_view::npos || starts_with(text, ".section");
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(without_comments(text)) {}

  std::vector<Statement> split() {
    for (char c : text_) {
      take(c);
      if (c == '\n') ++line_;
    }
    if (!current_.empty()) fail(first_line_, "the text ends inside of '" + current_ + "'");
    if (depth_ != 0) fail(line_, "the text ends, but a '{' is still open");
    return std::move(statements_);
  }

 private:
  void take(char c) {
    if (is_blank(c)) {
      if (c == '\n' && ends_with_its_line(current_)) return end(Statement::Kind::simple);
      if (!current_.empty() && current_.back() != ' ') current_ += ' ';
      return;
    }
    if (c == ';' && nesting_ == 0) return end(Statement::Kind::simple);
    if (c == '{' && nesting_ == 0 && opens_a_body(trimmed(current_))) {
      if (!current_.empty()) end(Statement::Kind::simple);
      ++depth_;
      return push(Statement::Kind::open, "");
    }
    if (c == '}' && nesting_ == 0) {
      if (!current_.empty()) fail(first_line_, "'" + current_ + "' does not end with ';'");
      if (--depth_ < 0) fail(line_, "a '}' closes nothing");
      return push(Statement::Kind::close, "");
    }
    if (c == ':' && is_label()) return end(Statement::Kind::label);
    if (c == '{' || c == '(' || c == '[') ++nesting_;
    if (c == '}' || c == ')' || c == ']') --nesting_;
    if (nesting_ < 0) fail(line_, std::string("a '") + c + "' closes nothing");
    if (current_.empty()) first_line_ = line_;
    current_ += c;
  }

  bool is_label() const {
    if (current_.empty() || nesting_ != 0) return false;
    for (char c : current_) {
      if (!is_name(c)) return false;
    }
    return true;
  }

  void end(Statement::Kind kind) {
    const std::string text = trimmed(current_);
    current_.clear();
    nesting_ = 0;
    if (!text.empty()) statements_.push_back({kind, text, first_line_});
  }
  void push(Statement::Kind kind, const std::string& text) { statements_.push_back({kind, text, line_}); }

  std::string text_, current_;
  std::vector<Statement> statements_;
  int line_ = 1, first_line_ = 1, depth_ = 0, nesting_ = 0;
};

template <class T>
std::optional<T> parse_whole(std::string_view digits, int base) {
  T value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<Statement> split_statements(std::string_view text) { return Splitter(text).split(); }

std::string trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::vector<std::string> split_operands(std::string_view text) {
  std::vector<std::string> operands;
  std::string current;
  int nesting = 0;
  for (char c : text) {
    if (c == '{' || c == '[' || c == '(') ++nesting;
    if (c == '}' || c == ']' || c == ')') --nesting;
    if (c == ',' && nesting == 0) {
      operands.push_back(trimmed(current));
      current.clear();
    } else {
      current += c;
    }
  }
  if (!operands.empty() || !trimmed(current).empty()) operands.push_back(trimmed(current));
  return operands;
}

std::vector<std::string> split_opcode(std::string_view opcode) {
  std::vector<std::string> parts{""};
  for (char c : opcode) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::optional<std::uint64_t> parse_integer(std::string_view text) {
  bool is_negative = false;
  if (!text.empty() && text.front() == '-') {
    is_negative = true;
    text.remove_prefix(1);
  }
  if (!text.empty() && text.back() == 'U') text.remove_suffix(1);
  std::optional<std::uint64_t> value;
  if (starts_with(text, "0x") || starts_with(text, "0X")) {
    value = parse_whole<std::uint64_t>(text.substr(2), 16);
  } else if (starts_with(text, "0b")) {
    value = parse_whole<std::uint64_t>(text.substr(2), 2);
  } else if (text.size() > 1 && text.front() == '0') {
    value = parse_whole<std::uint64_t>(text.substr(1), 8);
  } else {
    value = parse_whole<std::uint64_t>(text, 10);
  }
  if (value && is_negative) value = 0 - *value;
  return value;
}

std::optional<FloatBits> parse_float(std::string_view text) {
  const bool is_float = starts_with(text, "0f") || starts_with(text, "0F");
  const bool is_double = starts_with(text, "0d") || starts_with(text, "0D");
  if (!(is_float && text.size() == 10) && !(is_double && text.size() == 18)) return std::nullopt;
  const auto bits = parse_whole<std::uint64_t>(text.substr(2), 16);
  if (!bits) return std::nullopt;
  return FloatBits{*bits, is_double};
}

void fail(int line, const std::string& sentence) {
  throw Error("line " + std::to_string(line) + ": " + sentence);
}

}  // namespace ptx
