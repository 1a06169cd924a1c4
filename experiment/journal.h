/// The journal of a run, `trials.jsonl`: one durable line per finished chip. It is the truth that results
/// derive from.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "meltquench/experiment/analog_network.h"

namespace mq {

/// Which chip of which trained network of which point.
struct TrialId {
  std::string point_key;  ///< RunConfig::key() of the point
  Variant variant = Variant::plain;
  std::uint32_t chip = 0;

  friend auto operator<=>(const TrialId&, const TrialId&) = default;
};

class Journal {
 public:
  /// Reads what is there. Throws DataError for a line that is no trial, naming file and line; the
  /// half-written last line of a killed process is ignored.
  explicit Journal(std::filesystem::path file);

  const ChipTrial* find(const TrialId& id) const;
  /// Writes the line to disk before it returns. Safe to call from several threads.
  void append(const TrialId& id, const ChipTrial& trial);

 private:
  std::filesystem::path file_;
  std::mutex mutex_;
  std::map<TrialId, ChipTrial> trials_;
};

}  // namespace mq
