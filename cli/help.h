/// What `--help` prints, from the values of the commands.
#pragma once

#include <string>

#include "meltquench/cli/command.h"

namespace mq::cli {

/// "meltquench run [OPTIONS] CONFIG"
std::string usage_line(const Command& command);
/// "-q, --quiet" or "--set KEY=VALUE"
std::string option_title(const Option& option);
/// The sentence, with the choices there are.
std::string option_text(const Option& option);
std::string operand_text(const Operand& operand);

std::string command_help(const Command& command);
std::string program_help();

/// Exit codes and what they mean.
std::string exit_code_text();

/// Words of `text` on lines of at most `width` characters, each behind `indent` spaces, except for the first.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 100);

}  // namespace mq::cli
