/// What `run` and `sweep` share: their options, the plan, the run itself, and what is printed of it.
#pragma once

#include <vector>

#include "meltquench/cli/command.h"
#include "meltquench/experiment/experiment.h"

namespace mq::cli {

std::vector<Option> experiment_options();
Operand config_operand();

/// Loads the config with the options' overrides, and makes the points of its sweep table and of `axes`.
std::vector<SweepPoint> load_points(const Arguments& arguments, const std::vector<std::string>& axes);

/// Threads and backend. Throws BackendUnavailable, so that nothing is begun that cannot end.
Exec exec_from(const Arguments& arguments);

/// Does what the options say: prints the plan, or runs the points and prints the results. When it is
/// interrupted it says what is saved and which command goes on.
int run_points(const std::vector<SweepPoint>& points, const Arguments& arguments, Context& context);

/// Table or JSON of a finished run.
void print_outcome(const RunOutcome& outcome, const std::vector<SweepPoint>& points,
                   const Arguments& arguments, Context& context);
Value outcome_to_value(const RunOutcome& outcome);

}  // namespace mq::cli
