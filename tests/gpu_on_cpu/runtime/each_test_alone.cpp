// Every test of this program starts with a healthy device, and fails if its kernels did something wrong.
#include <gtest/gtest.h>

#include <string_view>

#include "on_cpu.h"

namespace on_cpu {
namespace {

class EachTestAlone : public testing::EmptyTestEventListener {
  void OnTestStart(const testing::TestInfo&) override { reset_device(); }
  void OnTestEnd(const testing::TestInfo& test) override {
    const bool plants_faults = std::string_view(test.test_suite_name()) == "Runtime";
    if (plants_faults) return;
    EXPECT_EQ(findings(), "");
  }
};

const bool is_registered = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new EachTestAlone);  // which owns it
  return true;
}();

}  // namespace
}  // namespace on_cpu
