#include "meltquench/devices/fit/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/nearest.h"
#include "meltquench/core/units.h"

namespace mq {
namespace {

constexpr std::uintmax_t kLargest = std::uintmax_t(512) << 20;
constexpr std::int64_t kLargestWhole = std::int64_t(1) << 53;
constexpr std::size_t kMostColumns = 64;

/// A quantity that a column may hold, and the suffixes that it may carry.
struct Suffix {
  std::string_view text;
  double factor;
  double divisor = 1.0;  // dividing by 1e6 rounds once, as reading "5 uS" does; multiplying by 1e-6 does not
};
struct Quantity {
  std::string_view name;
  std::vector<Suffix> suffixes;  // empty: a whole number
  std::string_view example;
};
const std::vector<Quantity>& quantities() {
  static const std::vector<Suffix> siemens = {{"_S", 1.0}, {"_uS", 1.0, 1e6}, {"_nS", 1.0, 1e9}},
                                   seconds = {{"_s", 1.0}, {"_min", 60.0}, {"_h", 3600.0}};
  static const std::vector<Quantity> all = {
      {"cell", {}, "cell"},
      {"target", siemens, "target_uS"},
      {"time", seconds, "time_s"},
      {"programmed_at", seconds, "programmed_at_s"},
      {"read_at", seconds, "read_at_s"},
      {"g", siemens, "g_uS"},
      {"sequence", {}, "sequence"},
      {"pulse", {}, "pulse"},
      {"direction", {}, "direction"},
      {"frequency", {{"_Hz", 1.0}, {"_kHz", 1e3}}, "frequency_Hz"},
      {"psd",
       {{"_S2_per_Hz", 1.0}, {"_uS2_per_Hz", 1.0, 1e12}, {"_nS2_per_Hz", 1.0, 1e18}},
       "psd_uS2_per_Hz"}};
  return all;
}

struct Column {
  const Quantity* quantity = nullptr;
  double factor = 1.0, divisor = 1.0;
};

std::string quoted(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, 40)) shown += c >= 32 && c < 127 ? c : '?';
  return "'" + shown + (text.size() > 40 ? "...'" : "'");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '"')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '"')) text.remove_suffix(1);
  return text;
}

/// The lines of a text that hold data, split into fields.
class Lines {
 public:
  Lines(std::string_view text, std::string_view name) : text_(text), name_(name) {
    if (text_.substr(0, 3) == "\xef\xbb\xbf") text_.remove_prefix(3);
  }

  /// Moves on to the next line with data; false at the end.
  bool next() {
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('\n', at_), text_.size());
      line_ = text_.substr(at_, end - at_);
      at_ = end + 1;
      ++number_;
      if (!line_.empty() && line_.back() == '\r') line_.remove_suffix(1);
      if (line_.find_first_not_of(" \t,;") != std::string_view::npos && line_.front() != '#') return true;
    }
    return false;
  }
  /// Decides the separator by the header.
  void choose_separator() {
    for (const char candidate : {';', '\t', ','}) {
      if (line_.find(candidate) != std::string_view::npos) {
        separator_ = candidate;
        return;
      }
    }
  }
  void split(std::vector<std::string_view>& fields) {
    fields.clear();
    std::size_t from = 0;
    for (std::size_t i = 0; i <= line_.size(); ++i) {
      if (i < line_.size() && line_[i] != separator_) continue;
      fields.push_back(trimmed(line_.substr(from, i - from)));
      from = i + 1;
    }
  }
  [[noreturn]] void fail(std::size_t column, const std::string& sentence) const {
    throw DataError(std::string(name_) + ":" + std::to_string(number_) + ":" + std::to_string(column + 1) +
                    ": " + sentence);
  }

 private:
  std::string_view text_, name_, line_;
  std::size_t at_ = 0;
  int number_ = 0;
  char separator_ = ',';
};

Column column_of(const Lines& lines, std::size_t at, std::string_view name) {
  std::vector<std::string> known;
  for (const Quantity& quantity : quantities()) {
    known.emplace_back(quantity.example);
    if (quantity.suffixes.empty() && name == quantity.name) return {&quantity, 1.0, 1.0};
    for (const Suffix& suffix : quantity.suffixes) {
      if (name == std::string(quantity.name) + std::string(suffix.text))
        return {&quantity, suffix.factor, suffix.divisor};
    }
    if (!quantity.suffixes.empty() && name == quantity.name) {
      lines.fail(at, "the column " + quoted(name) + " has no unit; write it behind the name, like " +
                         std::string(quantity.example));
    }
  }
  lines.fail(at, "the column " + quoted(name) + " is not known" + did_you_mean(name, known) +
                     "; remove columns that are of no use here");
}

double number_of(const Lines& lines, std::size_t at, std::string_view field, const Column& column) {
  double number = 0.0;
  const char* begin = field.data() + (field.starts_with('+') ? 1 : 0);
  const auto [end, failure] = std::from_chars(begin, field.data() + field.size(), number);
  if (failure != std::errc() || end != field.data() + field.size() || !std::isfinite(number)) {
    lines.fail(at, (field.empty() ? "an empty field" : quoted(field)) + " in the column of " +
                       std::string(column.quantity->name) +
                       " is no finite number; write a decimal number with a point, or leave the line out");
  }
  return number * column.factor / column.divisor;
}

std::int64_t whole_of(const Lines& lines, std::size_t at, std::string_view field, const Column& column) {
  if (column.quantity->name == "direction") {
    if (field == "up" || field == "1" || field == "+1") return 1;
    if (field == "down" || field == "-1") return -1;
    lines.fail(at, quoted(field) + " is no direction; write up or down");
  }
  const double number = number_of(lines, at, field, column);
  if (number != std::floor(number) || number < 0.0 || number >= static_cast<double>(kLargestWhole)) {
    lines.fail(at, quoted(field) + " in the column of " + std::string(column.quantity->name) +
                       " must be a whole number from 0 on");
  }
  return static_cast<std::int64_t>(number);
}

/// The columns of a table by what they hold; checks each number as it comes.
class Table {
 public:
  Table(std::string_view text, std::string_view name) : lines_(text, name), name_(name) {
    if (!lines_.next()) throw DataError(std::string(name) + " holds no table; " + std::string(kHeaders));
    lines_.choose_separator();
    lines_.split(fields_);
    if (fields_.size() > kMostColumns)
      lines_.fail(kMostColumns, "there are more than 64 columns; is this a CSV file?");
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      columns_.push_back(column_of(lines_, i, fields_[i]));
      for (std::size_t j = 0; j < i; ++j) {
        if (columns_[j].quantity == columns_[i].quantity) {
          lines_.fail(i, "the column of " + std::string(columns_[i].quantity->name) +
                             " is there twice; keep one of the two");
        }
      }
    }
    kind_ = kind_of_table();
  }

  Measurements read() {
    Measurements all;
    while (lines_.next()) {
      lines_.split(fields_);
      if (fields_.size() != columns_.size()) {
        lines_.fail(std::min(fields_.size(), columns_.size()),
                    "there are " + std::to_string(fields_.size()) + " fields where the header has " +
                        std::to_string(columns_.size()) + "; complete the line, or leave it out");
      }
      append_row(all);
      ++rows_;
    }
    if (rows_ == 0) throw DataError(std::string(name_) + " has a header and no rows; was the file cut off?");
    return all;
  }

 private:
  static constexpr std::string_view kHeaders =
      "its header must be like cell,target_uS,time_s,g_uS (conductance over time), cell,target_uS,g_uS "
      "(programming), cell,pulse,g_uS (conductance over pulses) or g_uS,frequency_Hz,psd_uS2_per_Hz (noise "
      "spectra)";

  std::optional<std::size_t> find(std::string_view name) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].quantity->name == name) return i;
    }
    return std::nullopt;
  }
  TableKind kind_of_table() const {
    const auto has = [&](auto... names) { return (find(names) && ...); };
    const auto is = [&](std::size_t size) { return columns_.size() == size; };
    if (has("cell", "target", "time", "g") && is(4)) return TableKind::conductance_over_time;
    if (has("cell", "target", "programmed_at", "read_at", "g") && is(5))
      return TableKind::conductance_over_time;
    if (has("cell", "target", "g") && is(3)) return TableKind::programming;
    if (has("g", "frequency", "psd") && is(3)) return TableKind::noise_spectra;
    const std::size_t optional =
        std::size_t(find("sequence").has_value()) + std::size_t(find("direction").has_value());
    if (has("cell", "pulse", "g") && is(3 + optional)) return TableKind::conductance_over_pulses;
    lines_.fail(0, "these columns make no table that is known; " + std::string(kHeaders));
  }
  double number(std::string_view name) const {
    const std::size_t at = *find(name);
    return number_of(lines_, at, fields_[at], columns_[at]);
  }
  std::int64_t whole(std::string_view name) const {
    const std::size_t at = *find(name);
    return whole_of(lines_, at, fields_[at], columns_[at]);
  }
  double positive(std::string_view name, const char* sentence) const {
    const double value = number(name);
    if (!(value > 0.0)) lines_.fail(*find(name), sentence);
    return value;
  }

  void append_row(Measurements& all) const {
    switch (kind_) {
      case TableKind::conductance_over_time:
      case TableKind::programming: {
        CellReads& reads = kind_ == TableKind::programming ? all.programmed : all.reads;
        const double target = number("target");
        if (target < 0.0)
          lines_.fail(*find("target"), "a target cannot be negative; give the conductance aimed at");
        reads.age.push_back(kind_ == TableKind::programming ? 0.0 : age());
        reads.cell.push_back(whole("cell"));
        reads.target.push_back(target);
        reads.g.push_back(number("g"));
        return;
      }
      case TableKind::conductance_over_pulses:
        all.pulses.cell.push_back(whole("cell"));
        all.pulses.sequence.push_back(find("sequence") ? whole("sequence") : 0);
        all.pulses.pulse.push_back(whole("pulse"));
        all.pulses.direction.push_back(find("direction") ? whole("direction") : 1);
        all.pulses.g.push_back(number("g"));
        return;
      case TableKind::noise_spectra:
        all.spectra.g.push_back(positive("g", "the mean conductance of a spectrum must be above 0"));
        all.spectra.frequency.push_back(
            positive("frequency", "a frequency must be above 0; leave out the mean"));
        all.spectra.density.push_back(positive(
            "psd", "a spectral density must be above 0; leave out frequencies that were not measured"));
        return;
    }
  }
  double age() const {
    if (find("time")) {
      return positive("time",
                      "the time of a read must be above 0: it counts from the last pulse of this cell");
    }
    const double age = number("read_at") - number("programmed_at");
    if (!(age > 0.0))
      lines_.fail(*find("read_at"), "the cell was read before it was programmed; check both clocks");
    return age;
  }

  Lines lines_;
  std::string_view name_;
  std::vector<std::string_view> fields_;
  std::vector<Column> columns_;
  TableKind kind_;
  std::size_t rows_ = 0;
};

void append(std::string& text, double value) { text += format_number(value); }

std::string cells_to_csv(const CellReads& reads, bool has_time) {
  std::string text = has_time ? "cell,target_S,time_s,g_S\n" : "cell,target_S,g_S\n";
  for (std::size_t i = 0; i < reads.size(); ++i) {
    text += std::to_string(reads.cell[i]) + ',';
    append(text, reads.target[i]);
    if (has_time) text += ',', append(text, reads.age[i]);
    text += ',', append(text, reads.g[i]);
    text += '\n';
  }
  return text;
}

}  // namespace

Measurements parse_measurements(std::string_view text, std::string_view name) {
  Measurements all = Table(text, name).read();
  all.files.emplace_back(name);
  return all;
}

Measurements load_measurements(const std::filesystem::path& path) {
  std::error_code failure;
  const std::uintmax_t size = std::filesystem::file_size(path, failure);
  if (!failure && size > kLargest) {
    throw DataError(path.string() + " is larger than 512 MiB; fit a part of it");
  }
  return parse_measurements(read_file(path), path.filename().string());
}

std::string reads_to_csv(const CellReads& reads) { return cells_to_csv(reads, true); }
std::string programming_to_csv(const CellReads& reads) { return cells_to_csv(reads, false); }

std::string pulses_to_csv(const PulseReads& pulses) {
  std::string text = "cell,sequence,pulse,direction,g_S\n";
  for (std::size_t i = 0; i < pulses.size(); ++i) {
    text += std::to_string(pulses.cell[i]) + ',' + std::to_string(pulses.sequence[i]) + ',' +
            std::to_string(pulses.pulse[i]) + (pulses.direction[i] > 0 ? ",up," : ",down,");
    append(text, pulses.g[i]);
    text += '\n';
  }
  return text;
}

std::string spectra_to_csv(const NoiseSpectra& spectra) {
  std::string text = "g_S,frequency_Hz,psd_S2_per_Hz\n";
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    append(text, spectra.g[i]);
    text += ',', append(text, spectra.frequency[i]);
    text += ',', append(text, spectra.density[i]);
    text += '\n';
  }
  return text;
}

}  // namespace mq
