// Runs the comparison cases with PTX behind Backend::cuda and holds what each kernel's requests cost against
// a table.
//
// sectors: 32-byte sectors of global memory over those that the bytes asked for would fill; wavefronts:
// passes over the banks of shared memory over those without conflicts. Both are summed over all cases, edges
// and all.
#include <cxxabi.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>

#include "on_cpu.h"

namespace {

constexpr double kRoom = 1.1;  // other seeds, other sizes at the edges
constexpr const char* kHeader = "kernel,arch,sectors,wavefronts";

/// `void mq::cuda::for_each_kernel<mq::cuda::(anonymous namespace)::X>(...)` -> `X`, as registers.csv names
/// it.
std::string readable(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), &std::free);
  std::string text = status == 0 ? name.get() : mangled;
  text = std::regex_replace(text, std::regex("\\(anonymous namespace\\)::|\\bmq::(cuda::)?|^void "), "");
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += (text[i] == '<') - (text[i] == '>');
    if (text[i] == '(' && depth == 0) text.resize(i);
  }
  text = std::regex_replace(text, std::regex("> (?=>)"), ">");
  std::smatch wrapped;
  return std::regex_match(text, wrapped, std::regex("for_each_kernel<(.*)>")) ? wrapped[1].str() : text;
}

struct Ratios {
  double sectors = 1.0, wavefronts = 1.0;
};
using Table = std::map<std::pair<std::string, std::string>, Ratios>;  // by kernel and architecture

std::string arch() {
  const char* chosen = std::getenv("MQ_PTX_ARCH");
  return chosen == nullptr ? "90" : chosen;
}

/// The kernel's name may hold commas: "SettleCell<Pcm,float>".
Table read_table() {
  Table table;
  std::ifstream file(MQ_TRAFFIC_TABLE);
  std::string line;
  std::getline(file, line);
  std::smatch m;
  while (std::getline(file, line)) {
    if (std::regex_match(line, m, std::regex("\"?(.*?)\"?,(\\d+),([\\d.]+),([\\d.]+)")))
      table[{m[1], m[2]}] = {std::stod(m[3]), std::stod(m[4])};
  }
  return table;
}

void write_table(const Table& table) {
  std::ofstream file(MQ_TRAFFIC_TABLE);
  file << kHeader << '\n';
  for (const auto& [key, ratios] : table) {
    char numbers[64];
    std::snprintf(numbers, sizeof numbers, "%.3f,%.3f", ratios.sectors, ratios.wavefronts);
    const bool needs_quotes = key.first.find(',') != std::string::npos;
    file << (needs_quotes ? '"' + key.first + '"' : key.first) << ',' << key.second << ',' << numbers << '\n';
  }
}

/// Of this program's run: all launches of a kernel together.
Table measured(const std::vector<on_cpu::LaunchCost>& launches) {
  std::map<std::string, on_cpu::LaunchCost> sums;
  for (const on_cpu::LaunchCost& launch : launches) {
    on_cpu::LaunchCost& sum = sums[launch.kernel];
    sum.sectors += launch.sectors;
    sum.ideal_sectors += launch.ideal_sectors;
    sum.wavefronts += launch.wavefronts;
    sum.ideal_wavefronts += launch.ideal_wavefronts;
  }
  const auto over = [](std::uint64_t n, std::uint64_t ideal) {
    return ideal == 0 ? 1.0 : static_cast<double>(n) / static_cast<double>(ideal);
  };
  Table table;
  for (const auto& [kernel, sum] : sums)
    table[{readable(kernel), arch()}] = {over(sum.sectors, sum.ideal_sectors),
                                         over(sum.wavefronts, sum.ideal_wavefronts)};
  return table;
}

/// The sentences about what does not keep to the table; empty if all does.
std::string complaints(const Table& now, const Table& table) {
  std::ostringstream out;
  for (const auto& [key, ratios] : now) {
    const auto budget = table.find(key);
    if (budget == table.end()) {
      out << key.first << " (sm_" << key.second << ") has no line in the table of memory traffic\n";
      continue;
    }
    const auto compare = [&, &key = key](const char* what, double is, double may_be) {
      if (is > may_be * kRoom) {
        out << key.first << " (sm_" << key.second << ") takes " << is << " times the ideal number of " << what
            << ", and the table allows " << may_be << '\n';
      }
    };
    compare("sectors", ratios.sectors, budget->second.sectors);
    compare("wavefronts", ratios.wavefronts, budget->second.wavefronts);
  }
  for (const auto& [key, ratios] : table) {
    if (key.second == arch() && now.count(key) == 0)
      out << key.first << " (sm_" << key.second << ") is in the table, but no case ran it\n";
  }
  return out.str();
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  on_cpu::reset_device();
  const std::vector<on_cpu::LaunchCost>& launches = on_cpu::record_launches();
  if (RUN_ALL_TESTS() != 0) return 1;
  if (!on_cpu::findings().empty()) {
    std::cerr << on_cpu::findings();
    return 1;
  }
  const Table now = measured(launches);
  Table table = read_table();
  if (argc > 1 && std::string(argv[1]) == "--update") {
    std::erase_if(table, [](const auto& line) { return line.first.second == arch(); });
    table.insert(now.begin(), now.end());
    write_table(table);
    return 0;
  }
  const std::string wrong = complaints(now, table);
  if (wrong.empty()) return 0;
  std::cerr << wrong << "If it has to be so: cmake --build build/test --target update_traffic_table\n";
  return 1;
}
