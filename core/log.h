/// Messages for people. The library itself is silent: whoever owns a stream makes a `Log` and hands it down.
#pragma once

#include <filesystem>
#include <fstream>
#include <iosfwd>
#include <mutex>
#include <string_view>

namespace mq {

enum class LogLevel { error, warning, info, debug };

/// Writes lines "warning: ..." (info has no prefix). Safe to use from several threads.
class Log {
 public:
  explicit Log(std::ostream& out, LogLevel level = LogLevel::info) : out_(out), level_(level) {}

  /// Also appends every message of every level, with the time in UTC, to a file. Throws StorageError.
  void also_to(const std::filesystem::path& file);

  void error(std::string_view message) { write(LogLevel::error, message); }
  void warning(std::string_view message) { write(LogLevel::warning, message); }
  void info(std::string_view message) { write(LogLevel::info, message); }
  void debug(std::string_view message) { write(LogLevel::debug, message); }

 private:
  void write(LogLevel level, std::string_view message);

  std::mutex mutex_;
  std::ostream& out_;
  LogLevel level_;
  std::ofstream file_;
};

}  // namespace mq
