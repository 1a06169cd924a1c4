/// Limits of CPU time, read from made-up control groups.
#include "meltquench/core/cpu_quota.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mq {
namespace {

namespace fs = std::filesystem;

class CpuQuota : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_); }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const fs::path& name, const std::string& text) const {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text << '\n';
  }
  std::optional<double> quota() const { return cpu_quota(folder_ / "membership", folder_ / "groups"); }

  const fs::path folder_ = fs::path(::testing::TempDir()) / ("mq-quota-" + std::to_string(::getpid()));
};

TEST_F(CpuQuota, NothingToReadIsNoLimit) {
  EXPECT_FALSE(quota());
  write("membership", "0::/a/b");
  EXPECT_FALSE(quota());
  write("groups/a/b/cpu.max", "max 100000");
  EXPECT_FALSE(quota());
  write("groups/a/b/cpu.max", "nonsense");
  EXPECT_FALSE(quota());
}

TEST_F(CpuQuota, TheLeastOfTheGroupsAroundCounts) {
  write("membership", "0::/a/b");
  write("groups/a/b/cpu.max", "300000 100000");
  EXPECT_EQ(quota(), 3.0);
  write("groups/a/cpu.max", "75000 50000");
  EXPECT_EQ(quota(), 1.5);
  write("groups/cpu.max", "max 100000");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, InAContainerTheGroupIsMountedAtTheRoot) {
  write("membership", "0::/docker/0123");
  write("groups/cpu.max", "200000 100000");
  EXPECT_EQ(quota(), 2.0);
}

TEST_F(CpuQuota, TheFirstVersionHasAFolderPerController) {
  write("membership", "9:cpuset:/x\n4:cpu,cpuacct:/x\n3:memory:/x");
  write("groups/cpu,cpuacct/x/cpu.cfs_quota_us", "-1");
  write("groups/cpu,cpuacct/x/cpu.cfs_period_us", "100000");
  EXPECT_FALSE(quota());
  write("groups/cpu,cpuacct/x/cpu.cfs_quota_us", "250000");
  EXPECT_EQ(quota(), 2.5);
  write("groups/cpuset/x/cpu.cfs_quota_us", "100000");  // of another controller
  write("groups/cpuset/x/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota(), 2.5);
}

}  // namespace
}  // namespace mq
