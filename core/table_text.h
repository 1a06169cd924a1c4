/// Tables of numbers as text: the one grammar of every command that reads them.
///
/// - A line ends in \n or \r\n. Empty lines and lines that start with # are skipped; a byte-order mark of
/// UTF-8 too.
/// - The first of `;`, tab and `,` that stands in the first line separates the fields of all lines; a line
/// without
///   it, or a table without any, is split at blanks. A field may stand in double quotes, alone.
/// - A number has a decimal point, whatever the locale. A decimal comma, an empty field, nan, inf and what
/// instruments
///   write for an overflow (9.91E+37 and all beyond 9e37) are errors, never a number.
/// - A last line without its line break is taken if it looks like the others; one whose last number has fewer
/// digits
///   than that of all others was cut off.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mq {

/// Goes through a table line by line. Throws DataError "<name>:<line>:<field>: what is wrong, and what to
/// do".
class TableText {
 public:
  /// Both texts must outlive this.
  TableText(std::string_view text, std::string_view name);

  /// Moves on to the next line that is no comment; false at the end.
  bool next();
  /// The fields of the line, without blanks and quotes around them. They point into the text.
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// Whether the line is nothing but separators, as spreadsheets write below a table.
  bool is_blank() const;
  /// The finite number in a field; `what` it is stands in messages: " in the column of g".
  double number(std::size_t field, std::string_view what = "") const;
  /// Fails if the line has not `size` fields; `of` says what has so many: "the header".
  void expect_fields(std::size_t size, std::string_view of) const;

  [[noreturn]] void fail(std::size_t field, const std::string& sentence) const;

 private:
  /// How long a number is written: digits in front of the exponent, and the exponent.
  struct Length {
    std::size_t digits = 0, exponent = 0;
  };
  static Length length_of(std::string_view field);

  void split();
  void split_at_blanks();
  void check_characters() const;
  void check_end();
  bool is_cut() const { return at_ > text_.size(); }

  std::string_view text_, name_, line_;
  std::size_t at_ = 0;
  int number_ = 0, rows_ = 0;
  char separator_ = 0;  ///< 0 before the first line
  std::vector<std::string_view> fields_;
  Length shortest_{};  ///< of the last fields so far that are numbers
};

/// A field as messages show it: 'text', shortened, with ? for what cannot be printed.
std::string quoted(std::string_view field);

/// The text of a table. Throws MissingError if there is no such file, DataError beyond 512 MiB.
std::string read_table_file(const std::filesystem::path& path);

/// Numbers only: one line per row, all of one length.
struct NumberTable {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;  ///< [rows, columns]
};
/// Throws DataError as `TableText`, and for a text without rows.
NumberTable parse_numbers(std::string_view text, std::string_view name);

}  // namespace mq
