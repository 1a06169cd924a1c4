#include "meltquench/experiment/journal.h"

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"

namespace mq {
namespace {

Variant variant_from_name(const std::string& text) {
  for (const Variant variant : {Variant::plain, Variant::hardware_aware}) {
    if (name(variant) == text) return variant;
  }
  throw DataError("there is no training variant '" + text + "'");
}

Value to_line(const TrialId& id, const ChipTrial& trial) {
  Value line = Value::table();
  line.set_key("point", id.point_key);
  line.set_key("variant", name(id.variant));
  line.set_key("chip", static_cast<std::int64_t>(id.chip));
  Value correct = Value::array();
  for (const std::int64_t count : trial.correct) correct.as_array().push_back(count);
  line.set_key("correct", std::move(correct));
  line.set_key("counters", to_value(trial.counters));
  return line;
}

std::pair<TrialId, ChipTrial> from_line(const Value& line) {
  TrialId id{.point_key = line.at("point").as_text(),
             .variant = variant_from_name(line.at("variant").as_text()),
             .chip = static_cast<std::uint32_t>(line.at("chip").as_integer())};
  ChipTrial trial;
  for (const Value& count : line.at("correct").as_array()) trial.correct.push_back(count.as_integer());
  trial.counters = counters_from_value(line.at("counters"));
  return {std::move(id), std::move(trial)};
}

}  // namespace

Journal::Journal(std::filesystem::path file) : file_(std::move(file)) {
  int number = 0;
  for (const std::string& text : read_complete_lines(file_)) {
    ++number;
    try {
      trials_.insert(from_line(parse_json(text, file_.string())));
    } catch (const Error& error) {
      throw DataError(file_.string() + ", line " + std::to_string(number) + " is no trial (" + error.what() +
                      "); remove the line to compute that chip again");
    }
  }
}

const ChipTrial* Journal::find(const TrialId& id) const {
  const auto found = trials_.find(id);
  return found == trials_.end() ? nullptr : &found->second;
}

void Journal::append(const TrialId& id, const ChipTrial& trial) {
  const std::lock_guard lock(mutex_);
  append_line_durably(file_, to_json(to_line(id, trial)));
  trials_.emplace(id, trial);
}

}  // namespace mq
