#include "meltquench/devices/fit/csv.h"

#include <optional>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/table_text.h"
#include "meltquench/devices/fit/csv_columns.h"

namespace mq {
namespace {

constexpr std::size_t kMostColumns = 64;

/// The columns of a table by what they hold; checks each number as it comes.
class Table {
 public:
  Table(std::string_view text, std::string_view name) : lines_(text, name), name_(name) {
    if (!lines_.next()) throw DataError(std::string(name) + " holds no table; " + std::string(kHeaders));
    if (lines_.fields().size() > kMostColumns)
      lines_.fail(kMostColumns, "there are more than 64 columns; is this a CSV file?");
    for (std::size_t i = 0; i < lines_.fields().size(); ++i) {
      columns_.push_back(column_of(lines_, i));
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
      if (lines_.is_blank()) continue;
      lines_.expect_fields(columns_.size(), "the header");
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
    return number_of(lines_, at, columns_[at]);
  }
  std::int64_t whole(std::string_view name) const {
    const std::size_t at = *find(name);
    return whole_of(lines_, at, columns_[at]);
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

  TableText lines_;
  std::string_view name_;
  std::vector<Column> columns_;
  TableKind kind_;
  std::size_t rows_ = 0;
};

}  // namespace

Measurements parse_measurements(std::string_view text, std::string_view name) {
  Measurements all = Table(text, name).read();
  all.files.emplace_back(name);
  return all;
}

Measurements load_measurements(const std::filesystem::path& path) {
  return parse_measurements(read_table_file(path), path.filename().string());
}

}  // namespace mq
