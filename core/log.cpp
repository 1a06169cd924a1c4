#include "meltquench/core/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <ostream>

#include "meltquench/core/error.h"

namespace mq {

void Log::also_to(const std::filesystem::path& file) {
  const std::lock_guard lock(mutex_);
  file_.open(file, std::ios::app);
  if (!file_)
    throw StorageError(
        fmt::format("cannot write the log {}; choose a folder that you may write to", file.string()));
}

void Log::write(LogLevel level, std::string_view message) {
  constexpr std::string_view kPrefixes[] = {"error: ", "warning: ", "", "debug: "};
  const std::string_view prefix = kPrefixes[static_cast<int>(level)];
  const std::lock_guard lock(mutex_);
  if (level <= level_) out_ << prefix << message << '\n' << std::flush;
  if (file_.is_open()) {
    file_ << fmt::format("{:%Y-%m-%dT%H:%M:%SZ} {}{}\n", fmt::gmtime(std::time(nullptr)), prefix, message)
          << std::flush;
  }
}

}  // namespace mq
