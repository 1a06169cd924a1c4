/// Runs ngspice, which is a package for tests (`./run test` installs it).
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "meltquench/core/files.h"

namespace mq {

/// The currents that a netlist of `outputs` outputs prints; empty, and the test has failed, if it did not
/// run.
inline std::vector<double> ngspice_currents(const std::string& netlist, std::size_t outputs) {
  if (std::system("command -v ngspice > /dev/null") != 0) {
    ADD_FAILURE() << "ngspice was not found, so no netlist can be checked; apt-get install ngspice brings it";
    return {};
  }
  std::string folder = testing::TempDir() + "mq-ngspice-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    ADD_FAILURE() << "there is no folder for temporary files: " << folder;
    return {};
  }
  const std::filesystem::path file = std::filesystem::path(folder) / "array.cir";
  write_file_atomically(file, netlist);
  std::string said;
  FILE* pipe = popen(("ngspice -b '" + file.string() + "' 2>&1").c_str(), "r");
  std::array<char, 4096> part{};
  while (pipe != nullptr && std::fgets(part.data(), part.size(), pipe) != nullptr) said += part.data();
  const int code = pipe != nullptr ? pclose(pipe) : -1;
  std::filesystem::remove_all(folder);
  std::vector<double> currents;
  for (std::size_t o = 0; o < outputs; ++o) {
    const std::string name = "i(vout" + std::to_string(o) + ") = ";
    const std::size_t place = said.find(name);
    if (place == std::string::npos) break;
    currents.push_back(std::strtod(said.c_str() + place + name.size(), nullptr));
  }
  EXPECT_EQ(code, 0) << said;
  EXPECT_EQ(currents.size(), outputs) << said;
  return currents.size() == outputs ? currents : std::vector<double>{};
}

}  // namespace mq
