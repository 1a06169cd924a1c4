#include "meltquench/cli/exit_code.h"

#include "meltquench/cli/help.h"

namespace mq::cli {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::config:
    case ErrorKind::shape:
      return kUsage;
    case ErrorKind::missing:
      return kMissing;
    case ErrorKind::storage:
    case ErrorKind::resource:
      return kResources;
    case ErrorKind::interrupted:
      return kInterrupted;
    case ErrorKind::state:
    case ErrorKind::data:
      break;
  }
  return kFailed;
}

std::string exit_code_text() {
  return "0 done; 1 failed, e.g. a damaged file; 2 wrong arguments or config; 3 a package, data set or file "
         "is missing; "
         "4 memory, disk or a backend is not to be had; 130 interrupted, what was finished is saved.";
}

}  // namespace mq::cli
