/// Progress of long work: the worker counts, a sink that the caller chose shows it.
#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <string>

namespace mq {

struct ProgressState {
  std::string task;         ///< "Evaluating chips"
  std::uint64_t done = 0;   ///< units of work done
  std::uint64_t total = 0;  ///< 0: not known
  double elapsed_s = 0;
  bool is_finished = false;  ///< the last state of a task; `done < total` then means that it was abandoned

  /// Seconds until the end at the mean rate so far; negative if unknown.
  double left_s() const;
};

class ProgressSink {
 public:
  virtual ~ProgressSink() = default;
  /// Called by one thread at a time per `Progress`, for each change; a sink itself skips what it need not
  /// show.
  virtual void update(const ProgressState& state) = 0;
};

/// Counts one task's work; safe to advance from several threads.
class Progress {
 public:
  Progress(ProgressSink& sink, std::string task, std::uint64_t total);
  ~Progress();  ///< finishes, if `finish` was not called
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t units = 1);
  void finish();

 private:
  void report();

  std::mutex mutex_;
  ProgressSink& sink_;
  ProgressState state_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Shows nothing.
class SilentProgress : public ProgressSink {
 public:
  void update(const ProgressState&) override {}
};

/// One line on a terminal, redrawn at most ten times a second: bar, done/total, rate, time left.
class TerminalProgress : public ProgressSink {
 public:
  enum class Color { off, on };
  /// `Color::on` unless the environment sets NO_COLOR or TERM=dumb.
  static Color color_of_environment();

  explicit TerminalProgress(std::ostream& out, Color color = color_of_environment(), int width = 80)
      : out_(out), color_(color), width_(width) {}
  void update(const ProgressState& state) override;

 private:
  std::mutex mutex_;
  std::ostream& out_;
  Color color_;
  int width_;
  std::string task_;
  double drawn_s_ = -1;
};

/// For log files: one line at the start, then per 5 % or 30 s, whichever is rarer, and one at the end.
class LogProgress : public ProgressSink {
 public:
  explicit LogProgress(std::ostream& out) : out_(out) {}
  void update(const ProgressState& state) override;

 private:
  std::mutex mutex_;
  std::ostream& out_;
  std::string task_;
  double written_s_ = -1;
  int written_step_ = -1;
};

/// One JSON object a line, `{"task":...,"done":...,"total":...,"elapsed_s":...,"left_s":...,"finished":...}`,
/// at most one a second and always the first and the last of a task.
class JsonProgress : public ProgressSink {
 public:
  explicit JsonProgress(std::ostream& out) : out_(out) {}
  void update(const ProgressState& state) override;

 private:
  std::mutex mutex_;
  std::ostream& out_;
  std::string task_;
  double written_s_ = -1;
};

/// "12 s", "3 min 05 s", "2 h 10 min"
std::string format_duration(double seconds);

}  // namespace mq
