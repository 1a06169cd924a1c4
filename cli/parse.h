/// Words of a command line -> arguments of a command.
#pragma once

#include <string>
#include <vector>

#include "meltquench/cli/command.h"

namespace mq::cli {

/// `words` stand behind the command's name. Throws ConfigError for an unknown option (with the nearest name),
/// a missing or surplus argument, and a value that is none of its choices.
Arguments parse(const Command& command, std::vector<std::string> words);

}  // namespace mq::cli
