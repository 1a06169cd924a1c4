/// The journal of a run, `trials.jsonl`: one durable line per finished chip. It is the truth that results
/// derive from, so that each line carries a checksum and its values have ranges.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "meltquench/core/files.h"
#include "meltquench/experiment/analog_network.h"

namespace mq {

/// Which chip of which trained network of which point.
struct TrialId {
  std::string point_key;  ///< RunConfig::key() of the point
  Variant variant = Variant::plain;
  std::uint32_t chip = 0;

  friend auto operator<=>(const TrialId&, const TrialId&) = default;
};

/// What is wrong with a trial for the run at hand, e.g. more right answers than images; empty if nothing is.
using TrialCheck = std::function<std::string(const TrialId&, const ChipTrial&)>;

/// Safe to use from several threads; several processes may append to one file.
class Journal {
 public:
  /// Reads what is there. Throws DataError that names file and line for a line that is no trial, that was
  /// changed, or that `check` refuses; the half-written last line of a killed process is ignored.
  explicit Journal(std::filesystem::path file, TrialCheck check = {});

  /// Stays valid as long as the journal. Null if it is not there.
  const ChipTrial* find(const TrialId& id) const;

  /// Reads what other processes have appended. Throws as the constructor, and StorageError if the file was
  /// removed or cut meanwhile.
  void refresh();

  /// Writes the line to disk before it returns.
  void append(const TrialId& id, const ChipTrial& trial);

 private:
  void read_on();
  void add(const std::string& line);

  TrialCheck check_;
  std::filesystem::path file_;
  mutable std::mutex mutex_;
  LineReader reader_;
  int lines_ = 0;
  std::map<TrialId, ChipTrial> trials_;
};

}  // namespace mq
