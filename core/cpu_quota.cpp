#include "meltquench/core/cpu_quota.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

namespace mq {
namespace {

namespace fs = std::filesystem;

/// cpu.max of v2: "150000 100000", or "max 100000" without limit.
std::optional<double> unified_quota(const fs::path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0.0, period = 0.0;
  if (!(file >> quota >> period) || quota <= 0.0 || period <= 0.0) return std::nullopt;
  return quota / period;
}

/// Two files of v1; the quota is -1 without limit.
std::optional<double> separate_quota(const fs::path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  double quota = 0.0, period = 0.0;
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0.0 || period <= 0.0)
    return std::nullopt;
  return quota / period;
}

/// Whether "cpu,cpuacct" names the controller "cpu".
bool is_of_cpu(std::string_view controllers) {
  while (true) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == "cpu") return true;
    if (comma == std::string_view::npos) return false;
    controllers.remove_prefix(comma + 1);
  }
}

/// The least of `read(group)` for the group and those around it. In a container only the mounted ones exist.
template <class Read>
void lower(std::optional<double>& least, const fs::path& mounted, fs::path group, Read&& read) {
  for (group = group.relative_path();; group = group.parent_path()) {
    if (const std::optional<double> quota = read(group.empty() ? mounted : mounted / group))
      least = least ? std::min(*least, *quota) : *quota;
    if (group.empty()) return;
  }
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& membership, const fs::path& mounted) {
  std::optional<double> least;
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {  // "4:cpu,cpuacct:/group", v2 "0::/group"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      lower(least, mounted, group, unified_quota);
    } else if (is_of_cpu(controllers)) {
      lower(least, mounted / controllers, group, separate_quota);
      if (controllers != "cpu") lower(least, mounted / "cpu", group, separate_quota);
    }
  }
  return least;
}

}  // namespace mq
