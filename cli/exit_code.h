/// The exit codes of the program, and which error ends with which: the one place that knows.
#pragma once

#include "meltquench/core/error.h"

namespace mq::cli {

enum ExitCode {
  kDone = 0,
  kFailed = 1,
  kUsage = 2,
  kMissing = 3,
  kResources = 4,
  kInterrupted = 130,  // 128 + SIGINT, as shells expect
};

int exit_code(ErrorKind kind);

}  // namespace mq::cli
