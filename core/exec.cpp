#include "meltquench/core/exec.h"

#include <sched.h>

#include <algorithm>
#include <string>

#include "meltquench/core/error.h"

namespace mq {

std::string_view name(Backend backend) {
  switch (backend) {
    case Backend::reference:
      return "reference";
    case Backend::cpu:
      return "cpu";
    case Backend::cuda:
      return "cuda";
  }
  return "unknown";
}

Backend backend_from_name(std::string_view wanted) {
  for (const Backend backend : {Backend::reference, Backend::cpu, Backend::cuda}) {
    if (wanted == name(backend)) return backend;
  }
  throw ConfigError("the backend '" + std::string(wanted) +
                    "' does not exist; choose reference, cpu or cuda");
}

int available_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace mq
