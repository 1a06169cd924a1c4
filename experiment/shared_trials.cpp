#include "meltquench/experiment/shared_trials.h"

#include "meltquench/core/digest.h"
#include "meltquench/core/file_lock.h"
#include "meltquench/core/files.h"
#include "meltquench/core/log.h"

namespace mq {
namespace {

std::string claim_name(const TrialId& id) {
  const std::string text = id.point_key + " " + std::string(name(id.variant)) + " " + std::to_string(id.chip);
  return "trial-" + sha256(text).substr(0, 16);
}

}  // namespace

SharedTrials::SharedTrials(std::filesystem::path folder, TrialCheck check, Log* log)
    : folder_(std::move(folder)),
      log_(log),
      journal_((ensure_writable_folder(folder_), folder_ / "trials.jsonl"), std::move(check)) {}

SharedTrials::State SharedTrials::compute(const TrialId& id, const std::function<ChipTrial()>& evaluate) {
  if (journal_.find(id) != nullptr) return State::done;
  const std::string name = claim_name(id);
  const std::optional<FileLock> claim = FileLock::try_lock(folder_, name);
  if (!claim) {
    tell_of(FileLock::holder(folder_, name));
    return State::claimed;
  }
  if (!claim->is_supported()) warn_without_locks();
  journal_.refresh();  // whoever had claimed it before may have finished it
  if (journal_.find(id) != nullptr) return State::done;
  journal_.append(id, evaluate());
  return State::computed;
}

bool SharedTrials::is_free(const TrialId& id) {
  const std::optional<FileLock> claim = FileLock::try_lock(folder_, claim_name(id));
  if (!claim) return false;
  journal_.refresh();
  return journal_.find(id) == nullptr;
}

void SharedTrials::tell_of(const std::string& process) {
  const std::lock_guard lock(mutex_);
  if (process.empty() || !told_.insert(process).second || log_ == nullptr) return;
  log_->info("shares its trials with " + process);
}

void SharedTrials::warn_without_locks() {
  const std::lock_guard lock(mutex_);
  if (!told_.insert("").second || log_ == nullptr) return;
  log_->warning("the file system of " + folder_.string() +
                " has no locks: another process with the same run would compute the same chips again");
}

}  // namespace mq
