#include "meltquench/cli/program.h"

#include <algorithm>
#include <filesystem>
#include <new>
#include <ostream>

#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/help.h"
#include "meltquench/cli/parse.h"
#include "meltquench/core/log.h"
#include "meltquench/core/version.h"

namespace mq::cli {
namespace {

bool is_help(const std::string& word) { return word == "-h" || word == "--help"; }

int dispatch(Context& context) {
  const std::vector<std::string>& words = context.words;
  const std::string first = words.size() > 1 ? words[1] : "";
  if (first.empty()) {
    context.err << program_help();
    return kUsage;
  }
  if (is_help(first) || (first == "help" && words.size() == 2)) {
    context.out << program_help();
    return kDone;
  }
  if (first == "--version") {
    context.out << "meltquench " << version() << '\n';
    return kDone;
  }
  if (first == "help") {
    context.out << command_help(find_command(words[2]));
    return kDone;
  }
  const Command& command = find_command(first);
  const std::vector<std::string> rest(words.begin() + 2, words.end());
  if (std::any_of(rest.begin(), std::find(rest.begin(), rest.end(), "--"), is_help)) {
    context.out << command_help(command);
    return kDone;
  }
  return command.run(parse(command, rest), context);
}

/// Results that did not reach their file must not look like a success.
int flushed(Context& context, int code) {
  if (context.out.flush()) return code;
  throw StorageError("the results could not be written to the standard output; is its disk full?");
}

}  // namespace

int run_program(Context& context) noexcept {
  Log log(context.err, LogLevel::error);
  try {
    return flushed(context, dispatch(context));
  } catch (const Error& error) {
    log.error(error.what());
    return exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    log.error("there is not enough memory; use fewer threads, a smaller eval.batch_size or smaller networks");
    return kResources;
  } catch (const std::filesystem::filesystem_error& error) {
    log.error(error.path1().string() + ": " + error.code().message());
    return kResources;
  } catch (const std::exception& error) {
    log.error(error.what());
    return kFailed;
  }
}

}  // namespace mq::cli
