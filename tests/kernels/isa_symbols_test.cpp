/// Code for one instruction set must not reach processors that lack it: an inline function that a file built
/// for AVX2 leaves as a weak symbol may be the copy that the linker keeps for everybody.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

namespace mq {
namespace {

std::string output_of(const std::string& command) {
  std::string text;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return text;
  std::array<char, 4096> block;
  while (const std::size_t n = std::fread(block.data(), 1, block.size(), pipe)) text.append(block.data(), n);
  ::pclose(pipe);
  return text;
}

class IsaObjects : public testing::TestWithParam<const char*> {};

TEST_P(IsaObjects, LeaveNoWeakFunctionThatOtherFilesCouldPick) {
#if !defined(NDEBUG) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "without full optimisation the compiler keeps copies; such a build stays on the machine "
                  "that made it";
#endif
  const std::string isa = GetParam();
  const std::filesystem::path folder =
      std::filesystem::path(MQ_BINARY_DIR) / "kernels/CMakeFiles" / ("mq_kernels_" + isa + ".dir");
#if !defined(__x86_64__)
  GTEST_SKIP() << "only x86-64 has the instruction set " << isa;
#endif
  ASSERT_TRUE(std::filesystem::exists(folder)) << folder;
  int objects = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".o") continue;
    ++objects;
    std::istringstream lines(output_of("nm --defined-only '" + entry.path().string() + "'"));
    std::string line;
    int own = 0;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string address, kind, symbol;
      words >> address >> kind >> symbol;
      own += kind == "T";
      const bool may_be_shared = kind == "W" || kind == "w" || kind == "V" || kind == "v" || kind == "u";
      const bool is_data_of_the_runtime = symbol.starts_with("DW.ref.");
      const bool is_of_this_set = symbol.find(std::to_string(isa.size()) + isa) != std::string::npos;
      EXPECT_TRUE(!may_be_shared || is_data_of_the_runtime || is_of_this_set)
          << entry.path().filename() << ": " << symbol;
      EXPECT_TRUE(kind != "T" || is_of_this_set) << entry.path().filename() << ": " << symbol;
    }
    EXPECT_GT(own, 0) << entry.path();
  }
  EXPECT_GE(objects, isa == "cpu_vnni" || isa == "cpu_amx" ? 1 : 5);
}

INSTANTIATE_TEST_SUITE_P(OfEachLevel, IsaObjects, testing::Values("cpu_v3", "cpu_v4", "cpu_vnni", "cpu_amx"));

}  // namespace
}  // namespace mq
