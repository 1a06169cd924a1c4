#include "race_reports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

// From <sanitizer/tsan_interface.h> and <sanitizer/common_interface_defs.h>; g++ 12 does not install the
// former.
extern "C" {
int __tsan_get_report_mop(void* report, unsigned long index, int* thread, void** address, int* size,
                          int* is_write, int* is_atomic, void** trace, unsigned long trace_size);
void __sanitizer_symbolize_pc(void* pc, const char* format, char* text, std::size_t size);

/// A report does not end the program: each is some test's affair.
const char* __tsan_default_options() { return "exitcode=0 history_size=4"; }
}

namespace mq {
namespace {

constexpr std::size_t kDepth = 16;
using Trace = std::array<void*, kDepth>;
// The sanitizer holds a lock while it reports: nothing may be allocated or freed then.
std::array<std::array<Trace, 2>, 256> reports;
std::size_t report_count = 0;

unsigned line_in(std::string_view file, const Trace& trace) {
  for (void* pc : trace) {
    if (pc == nullptr) break;
    std::array<char, 4096> text{};  // one text for each function that was inlined there, innermost first
    __sanitizer_symbolize_pc(pc, "%s:%l", text.data(), text.size() - 1);
    for (const char* at = text.data(); *at != '\0'; at += std::string_view(at).size() + 1) {
      const std::string_view place = at;
      const std::size_t colon = place.rfind(':'), name = place.rfind('/') + 1;
      if (colon != place.npos && place.substr(name, colon - name) == file) {
        return static_cast<unsigned>(std::stoul(std::string(place.substr(colon + 1))));
      }
    }
  }
  return 0;
}

class NoRaceIsLeft : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo&) override {
    EXPECT_EQ(report_count, 0u) << "races that the thread sanitizer has reported and no test has taken";
    report_count = 0;
  }
};
const bool is_listening = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new NoRaceIsLeft);
  return true;
}();

}  // namespace

std::set<RacingLines> take_races(std::string_view file) {
  std::set<RacingLines> races;
  for (std::size_t i = 0; i < std::min(report_count, reports.size()); ++i) {
    races.insert(std::minmax(line_in(file, reports[i][0]), line_in(file, reports[i][1])));
  }
  report_count = 0;
  return races;
}

}  // namespace mq

extern "C" void __tsan_on_report(void* report) {
  const std::size_t i = mq::report_count++;
  if (i >= mq::reports.size()) return;
  for (unsigned long side = 0; side < 2; ++side) {
    int thread, size, is_write, is_atomic;
    void* address;
    mq::Trace& trace = mq::reports[i][side];
    trace = {};
    __tsan_get_report_mop(report, side, &thread, &address, &size, &is_write, &is_atomic, trace.data(),
                          trace.size());
  }
}
