#include "meltquench/core/exec.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "meltquench/core/cpu_quota.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

/// Cores that the system may put this process on.
int cores_in_reach() {
  std::vector<cpu_set_t> sets(1);  // 1024 cores each; the system refuses a mask shorter than its own
  while (sched_getaffinity(0, sets.size() * sizeof(cpu_set_t), sets.data()) != 0) {
    if (errno != EINVAL || sets.size() >= 64) return 1;
    sets.resize(2 * sets.size());
  }
  int cores = 0;
  for (const cpu_set_t& set : sets) cores += CPU_COUNT(&set);
  return std::max(1, cores);
}

}  // namespace

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
  static const std::optional<double> quota = cpu_quota();
  const int cores = cores_in_reach();
  return quota && *quota < cores ? static_cast<int>(std::ceil(*quota)) : cores;
}

}  // namespace mq
