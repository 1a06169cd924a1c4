#include "meltquench/core/table_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "meltquench/core/digits.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"

namespace mq {
namespace {

constexpr std::uintmax_t kLargest = std::uintmax_t(512) << 20;
constexpr double kOverflow = 9e37;  // SCPI-1999: 9.9E37 is infinity, 9.91E37 is no number
constexpr int kRowsToJudge = 8;     // fewer do not tell how long numbers are in this table

bool is_blank_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<double> parsed(std::string_view field) {
  if (field.starts_with('+')) {
    field.remove_prefix(1);
    if (field.starts_with('-')) return std::nullopt;
  }
  double number = 0.0;
  const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), number);
  if (failure != std::errc() || end != field.data() + field.size() || !std::isfinite(number))
    return std::nullopt;
  return number;
}

bool has_decimal_comma(std::string_view field) {
  std::string pointed(field);
  const std::size_t comma = pointed.find(',');
  if (comma == std::string::npos || pointed.find('.') != std::string::npos) return false;
  pointed[comma] = '.';
  return parsed(pointed).has_value();
}

}  // namespace

std::string quoted(std::string_view field) {
  std::string shown;
  for (const char c : field.substr(0, 40)) shown += c >= 32 && c < 127 ? c : '?';
  return "'" + shown + (field.size() > 40 ? "...'" : "'");
}

TableText::TableText(std::string_view text, std::string_view name) : text_(text), name_(name) {
  if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff")) {
    throw DataError(std::string(name_) + " is UTF-16; save it as UTF-8 or plain text");
  }
  if (text_.starts_with("\xef\xbb\xbf")) text_.remove_prefix(3);
}

void TableText::fail(std::size_t field, const std::string& sentence) const {
  throw DataError(std::string(name_) + ":" + std::to_string(number_) + ":" + std::to_string(field + 1) +
                  ": " + sentence);
}

bool TableText::next() {
  while (at_ < text_.size()) {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    line_ = text_.substr(at_, end - at_);
    at_ = end + 1;
    ++number_;
    if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
    const std::string_view content = trimmed(line_);
    const bool has_fields = separator_ == '\t' && line_.find('\t') != std::string_view::npos;
    if ((content.empty() && !has_fields) || content.starts_with('#')) continue;
    check_characters();
    split();
    check_end();
    ++rows_;
    return true;
  }
  return false;
}

void TableText::check_characters() const {
  for (const char c : line_) {
    if (c == '\t' || static_cast<unsigned char>(c) >= 32) continue;
    fail(0, c == '\r' ? "a carriage return stands inside the line; end lines with \\n or \\r\\n"
                      : "the line holds bytes that are no text; is this a table?");
  }
}

void TableText::split() {
  if (separator_ == 0) {
    separator_ = ' ';
    for (const char candidate : {';', '\t', ','}) {
      if (line_.find(candidate) == std::string_view::npos) continue;
      separator_ = candidate;
      break;
    }
  }
  fields_.clear();
  if (separator_ == ' ' || line_.find(separator_) == std::string_view::npos) {
    split_at_blanks();
  } else {
    for (std::size_t from = 0; from <= line_.size();) {
      std::size_t end = std::min(line_.find(separator_, from), line_.size());
      const std::size_t quote = line_.find_first_not_of(" \t", from);
      if (quote < end && line_[quote] == '"') {  // separators inside of quotes separate nothing
        const std::size_t closing = line_.find('"', quote + 1);
        if (closing != std::string_view::npos) end = std::min(line_.find(separator_, closing), line_.size());
      }
      fields_.push_back(trimmed(line_.substr(from, end - from)));
      from = end + 1;
    }
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    std::string_view& field = fields_[i];
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
      field = trimmed(field.substr(1, field.size() - 2));
    if (field.find('"') != std::string_view::npos)
      fail(i, quoted(field) + " has a quote that does not belong to a pair around the field");
  }
}

void TableText::split_at_blanks() {
  const std::string_view line = trimmed(line_);
  for (std::size_t from = 0; from < line.size();) {
    const std::size_t end = std::min(line.find_first_of(" \t", from), line.size());
    fields_.push_back(line.substr(from, end - from));
    from = std::min(line.find_first_not_of(" \t", end), line.size());
  }
}

TableText::Length TableText::length_of(std::string_view field) {
  const std::size_t e = std::min(field.find_first_of("eE"), field.size());
  return {static_cast<std::size_t>(std::count_if(field.begin(), field.begin() + std::ptrdiff_t(e), is_digit)),
          field.size() - e};
}

/// The last number of a line that has lost its end is shorter than all others, or lacks its exponent.
void TableText::check_end() {
  const std::string_view last = fields_.back();
  const bool is_number = parsed(last).has_value();
  const Length length = length_of(last);
  if (is_cut() && rows_ > kRowsToJudge && shortest_.digits > 0 &&
      (!is_number || length.digits < shortest_.digits || length.exponent < shortest_.exponent)) {
    fail(fields_.size() - 1, "the last line has no line break and ends in " + quoted(last) +
                                 ", shorter than every number above it; was the file cut off? Complete the "
                                 "line and end it with a line break, or leave it out");
  }
  if (!is_number) return;
  const bool is_first = shortest_.digits == 0;
  shortest_.digits = is_first ? length.digits : std::min(shortest_.digits, length.digits);
  shortest_.exponent = is_first ? length.exponent : std::min(shortest_.exponent, length.exponent);
}

bool TableText::is_blank() const {
  return std::all_of(fields_.begin(), fields_.end(), [](std::string_view field) { return field.empty(); });
}

double TableText::number(std::size_t at, std::string_view what) const {
  const std::string_view field = fields_[at];
  const std::string named = (field.empty() ? "an empty field" : quoted(field)) + std::string(what);
  if (has_decimal_comma(field)) {
    fail(at, named + " has a decimal comma; write a decimal point, and separate fields by ; or ,");
  }
  const std::optional<double> number = parsed(field);
  if (!number) {
    fail(at, named + " is no finite number; write a decimal number with a point, or leave the line out");
  }
  if (std::abs(*number) >= kOverflow) {
    fail(at, named + " is what instruments write for an overflow or for no value; leave the line out");
  }
  return *number;
}

void TableText::expect_fields(std::size_t size, std::string_view of) const {
  if (fields_.size() == size) return;
  fail(std::min(fields_.size(), size),
       "there are " + std::to_string(fields_.size()) + " fields where " + std::string(of) + " has " +
           std::to_string(size) +
           (is_cut() ? "; was the file cut off? Complete the line, or leave it out"
                     : "; complete the line, or leave it out"));
}

std::string read_table_file(const std::filesystem::path& path) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (!failure && size > kLargest) {
    throw DataError(path.string() + " is larger than 512 MiB; give a part of it");
  }
  return read_file(path);
}

NumberTable parse_numbers(std::string_view text, std::string_view name) {
  NumberTable table;
  TableText lines(text, name);
  while (lines.next()) {
    if (table.rows++ == 0) table.columns = lines.fields().size();
    lines.expect_fields(table.columns, "the first row");
    for (std::size_t i = 0; i < table.columns; ++i) table.values.push_back(lines.number(i));
  }
  if (table.rows == 0) throw DataError(std::string(name) + " holds no numbers; give one line per row");
  return table;
}

}  // namespace mq
