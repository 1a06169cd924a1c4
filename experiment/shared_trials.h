/// Trials that several processes compute together: each claims one, computes it and writes it to the journal.
///
/// A claim is a `FileLock` in the run's folder, so that what a killed process had claimed is free at once.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "meltquench/experiment/journal.h"

namespace mq {

class Log;

class SharedTrials {
 public:
  /// Makes the folder, sweeps it and reads its journal. `log` may be null; it hears once of each process that
  /// computes trials of this run as well.
  SharedTrials(std::filesystem::path folder, TrialCheck check, Log* log);

  Journal& journal() { return journal_; }
  const Journal& journal() const { return journal_; }

  enum class State { done, claimed, computed };

  /// Computes a trial unless it is done or claimed by another process. Safe to call from several threads, for
  /// different trials.
  State compute(const TrialId& id, const std::function<ChipTrial()>& evaluate);

  /// Whether a trial is neither done nor claimed, e.g. because the process that had claimed it was killed.
  bool is_free(const TrialId& id);

  /// A process that was met, by its `this_process()`.
  void tell_of(const std::string& process);

 private:
  void warn_without_locks();

  std::filesystem::path folder_;
  Log* log_;
  Journal journal_;
  std::mutex mutex_;
  std::set<std::string> told_;  // messages are said once
};

}  // namespace mq
