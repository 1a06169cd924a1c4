#include "meltquench/core/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ostream>
#include <string_view>

#include "meltquench/core/json.h"

namespace mq {
namespace {

double rate_of(const ProgressState& state) { return state.elapsed_s > 0 ? state.done / state.elapsed_s : 0; }

double share_of(const ProgressState& state) {
  return state.total > 0 ? std::min(1.0, static_cast<double>(state.done) / state.total) : 0;
}

std::string count_of(const ProgressState& state) {
  return state.total > 0 ? fmt::format("{}/{}", state.done, state.total) : std::to_string(state.done);
}

/// "12.5/s", or "3.2 s each" for slow work.
std::string format_rate(double per_second) {
  if (per_second <= 0) return "";
  return per_second >= 1 ? fmt::format("{:.3g}/s", per_second) : fmt::format("{:.2g} s each", 1 / per_second);
}

std::string format_left(const ProgressState& state) {
  if (state.is_finished) return fmt::format("in {}", format_duration(state.elapsed_s));
  return state.left_s() < 0 ? "" : fmt::format("{} left", format_duration(state.left_s()));
}

}  // namespace

double ProgressState::left_s() const {
  if (total == 0 || done == 0 || elapsed_s <= 0) return -1;
  return done >= total ? 0 : elapsed_s / static_cast<double>(done) * static_cast<double>(total - done);
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

Progress::Progress(ProgressSink& sink, std::string task, std::uint64_t total) : sink_(sink) {
  state_.task = std::move(task);
  state_.total = total;
  report();
}

Progress::~Progress() { finish(); }

void Progress::advance(std::uint64_t units) {
  const std::lock_guard lock(mutex_);
  state_.done += units;
  report();
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (state_.is_finished) return;
  state_.is_finished = true;
  report();
}

void Progress::report() {
  state_.elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  sink_.update(state_);
}

TerminalProgress::Color TerminalProgress::color_of_environment() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool is_plain = (no_color != nullptr && *no_color != '\0') ||
                        (terminal != nullptr && std::string_view(terminal) == "dumb");
  return is_plain ? Color::off : Color::on;
}

void TerminalProgress::update(const ProgressState& state) {
  constexpr double kRedraw_s = 0.1;
  constexpr int kBar = 20;
  const std::lock_guard lock(mutex_);
  const bool is_first = state.task != task_ || state.elapsed_s < drawn_s_;
  if (!is_first && !state.is_finished && state.elapsed_s - drawn_s_ < kRedraw_s) return;
  task_ = state.task;
  drawn_s_ = state.elapsed_s;
  std::string bar;
  if (state.total > 0) {
    const int full = static_cast<int>(share_of(state) * kBar);
    bar = " [" + std::string(full, '#') + std::string(kBar - full, '.') + "]";
  }
  std::string line = fmt::format("{}{} {}", state.task, bar, count_of(state));
  for (const std::string& part : {format_rate(rate_of(state)), format_left(state)}) {
    if (!part.empty()) line += "  " + part;
  }
  // A wrapped line could not be redrawn.
  line.resize(std::min(line.size(), static_cast<std::size_t>(std::max(width_ - 1, 1))));
  if (color_ == Color::on) {
    const std::size_t open = line.find('['), close = line.find(']');
    if (close != std::string::npos) {
      line.insert(close, "\x1b[0m");
      line.insert(open + 1, "\x1b[32m");
    }
    out_ << '\r' << line << "\x1b[K";
  } else {
    out_ << '\r' << line << std::string(static_cast<std::size_t>(std::max(width_ - 1, 1)) - line.size(), ' ');
  }
  if (state.is_finished) {
    out_ << '\n';
    task_.clear();
    drawn_s_ = -1;
  }
  out_ << std::flush;
}

void LogProgress::update(const ProgressState& state) {
  constexpr double kStep_s = 30;
  constexpr int kSteps = 20;  // 5 % each
  const std::lock_guard lock(mutex_);
  const bool is_first = state.task != task_ || written_s_ < 0;
  const int step = static_cast<int>(share_of(state) * kSteps);
  const bool is_due = step > written_step_ && state.elapsed_s - written_s_ >= kStep_s;
  if (!is_first && !state.is_finished && !is_due) return;
  task_ = state.task;
  written_s_ = state.elapsed_s;
  written_step_ = step;
  out_ << state.task << ": " << count_of(state);
  for (const std::string& part : {format_rate(rate_of(state)), format_left(state)}) {
    if (!part.empty()) out_ << ", " << part;
  }
  out_ << '\n' << std::flush;
  if (state.is_finished) task_.clear(), written_s_ = -1, written_step_ = -1;
}

void JsonProgress::update(const ProgressState& state) {
  const std::lock_guard lock(mutex_);
  const bool is_first = state.task != task_ || written_s_ < 0;
  if (!is_first && !state.is_finished && state.elapsed_s - written_s_ < 1) return;
  task_ = state.task;
  written_s_ = state.elapsed_s;
  const auto round_ms = [](double seconds) { return std::round(seconds * 1e3) / 1e3; };
  Value line = Value::table();
  line.set_key("task", state.task);
  line.set_key("done", static_cast<std::int64_t>(state.done));
  line.set_key("total", static_cast<std::int64_t>(state.total));
  line.set_key("elapsed_s", round_ms(state.elapsed_s));
  line.set_key("left_s", state.left_s() < 0 ? Value() : Value(round_ms(state.left_s())));
  line.set_key("finished", state.is_finished);
  out_ << to_json(line) << '\n' << std::flush;
  if (state.is_finished) task_.clear(), written_s_ = -1;
}

}  // namespace mq
