#include "meltquench/experiment/journal.h"

#include <fmt/format.h>

#include <limits>

#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/core/json.h"

namespace mq {
namespace {

/// As `eval.first_chip` and `eval.chips` allow.
constexpr std::int64_t kLargestChip = 65535;

constexpr std::string_view kCheckStart = ",\"check\":\"", kCheckEnd = "\"}";
constexpr std::size_t kCheckDigits = 16;

/// Of everything before it, as text: no other spelling of the same values passes either.
std::string checksum(std::string_view before) { return sha256(before).substr(0, kCheckDigits); }

Variant variant_from_name(const std::string& text) {
  for (const Variant variant : {Variant::plain, Variant::hardware_aware}) {
    if (name(variant) == text) return variant;
  }
  throw DataError("there is no training variant '" + text + "'");
}

std::string to_line(const TrialId& id, const ChipTrial& trial) {
  Value line = Value::table();
  line.set_key("point", id.point_key);
  line.set_key("variant", name(id.variant));
  line.set_key("chip", static_cast<std::int64_t>(id.chip));
  Value correct = Value::array();
  for (const std::int64_t count : trial.correct) correct.as_array().push_back(count);
  line.set_key("correct", std::move(correct));
  line.set_key("counters", to_value(trial.counters));
  std::string text = to_json(line);
  text.pop_back();  // the closing brace
  return fmt::format("{}{}{}{}", text, kCheckStart, checksum(text), kCheckEnd);
}

/// Throws DataError unless the line ends in the checksum of what stands before it.
void verify(std::string_view line) {
  constexpr std::size_t kEnd = kCheckStart.size() + kCheckDigits + kCheckEnd.size();
  const std::string_view end = line.size() < kEnd ? std::string_view{} : line.substr(line.size() - kEnd);
  if (!end.starts_with(kCheckStart) || !end.ends_with(kCheckEnd)) {
    throw DataError("it has no checksum: it was cut off, or an older version wrote it");
  }
  if (end.substr(kCheckStart.size(), kCheckDigits) != checksum(line.substr(0, line.size() - kEnd))) {
    throw DataError("its checksum is that of another line: it was changed after it was written");
  }
}

std::int64_t count_of(const Value& value, std::string_view what, std::int64_t largest) {
  const std::int64_t count = value.as_integer();
  if (count < 0 || count > largest) {
    throw DataError(fmt::format("{} = {} is out of range (must be in [0, {}])", what, count, largest));
  }
  return count;
}

std::pair<TrialId, ChipTrial> from_line(const Value& line) {
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  TrialId id{.point_key = line.at("point").as_text(),
             .variant = variant_from_name(line.at("variant").as_text()),
             .chip = static_cast<std::uint32_t>(count_of(line.at("chip"), "chip", kLargestChip))};
  ChipTrial trial;
  for (const Value& count : line.at("correct").as_array()) {
    trial.correct.push_back(count_of(count, "correct", kAny));
  }
  for (const auto& counter : line.at("counters").as_table()) count_of(counter.value, counter.key, kAny);
  trial.counters = counters_from_value(line.at("counters"));
  count_of(trial.counters.adc_clips, "adc_clips", trial.counters.adc_conversions);
  count_of(trial.counters.dac_clips, "dac_clips", trial.counters.dac_conversions);
  return {std::move(id), std::move(trial)};
}

}  // namespace

Journal::Journal(std::filesystem::path file, TrialCheck check)
    : check_(std::move(check)), file_(std::move(file)), reader_(file_) {
  read_on();
}

const ChipTrial* Journal::find(const TrialId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = trials_.find(id);
  return found == trials_.end() ? nullptr : &found->second;
}

void Journal::refresh() {
  const std::lock_guard lock(mutex_);
  read_on();
}

void Journal::append(const TrialId& id, const ChipTrial& trial) {
  const std::lock_guard lock(mutex_);
  read_on();  // says so if the file is gone, before a new one hides that
  append_line_durably(file_, to_line(id, trial));
  read_on();
}

void Journal::read_on() {
  for (const std::string& line : reader_.read_new_lines()) {
    ++lines_;
    try {
      add(line);
    } catch (const Error& error) {
      throw DataError(fmt::format("{}, line {} is no trial ({}); remove the line to compute that chip again",
                                  file_.string(), lines_, error.what()));
    }
  }
}

void Journal::add(const std::string& line) {
  const Value value = parse_json(line, "it");
  auto [id, trial] = from_line(value);
  verify(line);
  const std::string problem = check_ ? check_(id, trial) : "";
  if (!problem.empty()) throw DataError(problem);
  const auto [place, is_new] = trials_.try_emplace(std::move(id), trial);
  if (!is_new && !(place->second.correct == trial.correct && place->second.counters == trial.counters)) {
    throw DataError("an earlier line has other results of the same chip");
  }
}

}  // namespace mq
