/// PTX as a list of statements, before anybody knows what they mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ptx {

struct Statement {
  enum class Kind { simple, open, close, label };
  Kind kind = Kind::simple;
  std::string text;  // without comments, blanks squeezed to one, without the closing ';' or ':'
  int line = 0;
};

/// Splits at ';', at the braces of bodies (not those of vectors and initialisers) and after labels. A
/// statement that opens a body, such as an entry, ends where its brace opens. Throws Error for braces that do
/// not match.
std::vector<Statement> split_statements(std::string_view text);

/// Splits at commas outside of brackets and braces; trims.
std::vector<std::string> split_operands(std::string_view text);
/// Splits at dots, but not inside of "L1::no_allocate".
std::vector<std::string> split_opcode(std::string_view opcode);

/// "12", "-3", "0x1F", "0777", "12U"; nothing where the text is anything else.
std::optional<std::uint64_t> parse_integer(std::string_view text);
/// The bits of "0f3F800000" or "0d3FF0000000000000".
struct FloatBits {
  std::uint64_t bits = 0;
  bool is_double = false;
};
std::optional<FloatBits> parse_float(std::string_view text);

/// Separated by blanks.
std::vector<std::string> words_of(const std::string& text);

/// ".shared .align 8 .b8 name[96]" and the like: parameters and variables of every space.
struct Declaration {
  std::string name;
  std::size_t alignment = 1, element = 0, count = 1;  // element: bytes
  bool has_extent = false;                            // name[96], not name[]

  /// Throws Error where the text is none.
  Declaration(const std::string& text, int line);
  std::size_t bytes() const { return element * count; }
};
/// Bytes of "u8" ... "f64"; 0 for what is no type of data.
int bytes_of(std::string_view type);
bool is_signed_type(std::string_view type);

[[noreturn]] void fail(int line, const std::string& sentence);
std::string trimmed(std::string_view text);

}  // namespace ptx
