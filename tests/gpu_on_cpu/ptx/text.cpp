#include "text.h"

#include <algorithm>
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

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  for (char c : text + ' ') {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

int bytes_of(std::string_view type) {
  if (type.size() < 2 || std::string_view("bsuf").find(type[0]) == std::string_view::npos) return 0;
  const std::string_view bits = type.substr(1);
  return bits == "8" ? 1 : bits == "16" ? 2 : bits == "32" ? 4 : bits == "64" ? 8 : 0;
}
bool is_signed_type(std::string_view type) { return !type.empty() && type[0] == 's'; }

Declaration::Declaration(const std::string& text, int line) {
  const std::vector<std::string> words = words_of(text);
  for (std::size_t k = 0; k < words.size(); ++k) {
    if (words[k] == ".align" && k + 1 < words.size()) {
      alignment = static_cast<std::size_t>(parse_integer(words[++k]).value_or(0));
      if (alignment == 0 || alignment > 4096 || (alignment & (alignment - 1)) != 0)
        fail(line, "'" + text + "' has an odd alignment");
    } else if (words[k][0] == '.') {
      const int bytes = bytes_of(std::string_view(words[k]).substr(1));
      if (bytes != 0) element = static_cast<std::size_t>(bytes);
    } else {
      name += words[k];
    }
  }
  const std::size_t bracket = name.find('[');
  if (bracket != std::string::npos) {
    if (name.back() != ']') fail(line, "'" + text + "' has no size");
    const std::string extent = name.substr(bracket + 1, name.size() - bracket - 2);
    const auto parsed = parse_integer(extent);
    has_extent = !extent.empty();
    if (has_extent && (!parsed || *parsed > (1u << 28))) fail(line, "'" + text + "' has no size");
    count = has_extent ? static_cast<std::size_t>(*parsed) : 0;
    name.resize(bracket);
  }
  if (name.empty() || element == 0) fail(line, "'" + text + "' declares nothing that this executor knows");
  alignment = std::max(alignment, element);
}

void fail(int line, const std::string& sentence) {
  throw Error("line " + std::to_string(line) + ": " + sentence);
}

}  // namespace ptx
