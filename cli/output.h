/// Where the text of a command goes: a file, or stdout for "-".
#pragma once

#include <string>

#include "meltquench/cli/command.h"

namespace mq::cli {

/// Whether the option was given as "-".
bool goes_to_stdout(const Arguments& arguments, std::string_view option);

/// Writes `text` to the file that the option names, or to stdout for "-".
void write_output(const Arguments& arguments, std::string_view option, const std::string& text,
                  Context& context);

/// Throws ConfigError if more than one of the options would write to stdout; `--json` always does.
void check_one_stdout(const Arguments& arguments, std::initializer_list<std::string_view> options);

/// The folder that the option names. Throws ConfigError for "-" and for an empty name.
std::string output_folder(const Arguments& arguments, std::string_view option, std::string_view fallback);

}  // namespace mq::cli
