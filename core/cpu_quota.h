/// What a container may compute: the limit of CPU time that Linux control groups, v1 or v2, set.
#pragma once

#include <filesystem>
#include <optional>

namespace mq {

/// Cores whose time this process may use, like 1.5: the least of its control group and of those around it.
/// Nothing where no limit is set or none can be read. `membership` lists the groups, `mounted` holds them.
std::optional<double> cpu_quota(const std::filesystem::path& membership = "/proc/self/cgroup",
                                const std::filesystem::path& mounted = "/sys/fs/cgroup");

}  // namespace mq
