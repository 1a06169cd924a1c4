/// The whole program but for the process: words in, exit code out.
#pragma once

#include "meltquench/cli/command.h"

namespace mq::cli {

/// `context.words` is the command line. Throws nothing; every error is one sentence on `context.err`.
int run_program(Context& context) noexcept;

}  // namespace mq::cli
