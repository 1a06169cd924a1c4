/// Which trials belong to a run, and what their values can be.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "meltquench/experiment/journal.h"
#include "meltquench/experiment/sweep_grid.h"

namespace mq {

class TrialRules {
 public:
  /// `images`: test images of each point.
  TrialRules(const std::vector<SweepPoint>& points, const std::vector<std::int64_t>& images);

  /// What is wrong with a line of the journal; empty if nothing is.
  std::string problem(const TrialId& id, const ChipTrial& trial) const;

 private:
  struct Rule {
    std::uint32_t first_chip, chips;
    std::size_t evaluations;
    std::vector<Variant> variants;
    std::int64_t images;
  };

  std::map<std::string, Rule> rules_;  // of the points' keys
};

}  // namespace mq
