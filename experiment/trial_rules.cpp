#include "meltquench/experiment/trial_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "meltquench/core/contract.h"

namespace mq {

TrialRules::TrialRules(const std::vector<SweepPoint>& points, const std::vector<std::int64_t>& images) {
  MQ_EXPECTS(points.size() == images.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const RunConfig& config = points[i].config;
    const EvalParams& eval = config.eval;
    rules_[points[i].key] = {static_cast<std::uint32_t>(eval.first_chip),
                             static_cast<std::uint32_t>(eval.chips),
                             eval.times.size() * eval.compensation.size(), config.train.variants, images[i]};
  }
}

std::string TrialRules::problem(const TrialId& id, const ChipTrial& trial) const {
  const auto found = rules_.find(id.point_key);
  if (found == rules_.end()) return "it belongs to another run";
  const Rule& rule = found->second;
  if (std::find(rule.variants.begin(), rule.variants.end(), id.variant) == rule.variants.end()) {
    return fmt::format("the run has no network '{}'", name(id.variant));
  }
  if (id.chip < rule.first_chip || id.chip - rule.first_chip >= rule.chips) {
    return fmt::format("chip = {} is out of range (must be in [{}, {}])", id.chip, rule.first_chip,
                       rule.first_chip + rule.chips - 1);
  }
  if (trial.correct.size() != rule.evaluations) {
    return fmt::format("correct has {} values, not one for each of {} evaluations", trial.correct.size(),
                       rule.evaluations);
  }
  for (const std::int64_t correct : trial.correct) {
    if (correct > rule.images) {
      return fmt::format("correct = {} is out of range (there are {} test images)", correct, rule.images);
    }
  }
  return "";
}

}  // namespace mq
