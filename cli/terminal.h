/// The terminal and the shell around the program.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace mq::cli {

/// Whether `stream` is the process's standard error and that is a terminal.
bool is_terminal(const std::ostream& stream);
/// Columns of the terminal on standard error; 80 if it does not say.
int terminal_width();

/// Words as one line that a POSIX shell takes apart into the same words.
std::string quoted_line(const std::vector<std::string>& words);

}  // namespace mq::cli
