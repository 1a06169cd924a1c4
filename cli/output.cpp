#include "meltquench/cli/output.h"

#include <ostream>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"

namespace mq::cli {

bool goes_to_stdout(const Arguments& arguments, std::string_view option) {
  return arguments.text(option) == "-";
}

void write_output(const Arguments& arguments, std::string_view option, const std::string& text,
                  Context& context) {
  if (goes_to_stdout(arguments, option)) {
    context.out << text;
  } else {
    write_file_atomically(arguments.text(option), text);
  }
}

void check_one_stdout(const Arguments& arguments, std::initializer_list<std::string_view> options) {
  std::string first;
  for (const std::string_view option : options) {
    const bool is_json = option == "--json" && arguments.has(option);
    if (!is_json && !goes_to_stdout(arguments, option)) continue;
    const std::string here = std::string(option) + (is_json ? "" : " -");
    if (!first.empty()) {
      throw ConfigError(first + " and " + here + " both write to stdout; name a file for one of them");
    }
    first = here;
  }
}

std::string output_folder(const Arguments& arguments, std::string_view option, std::string_view fallback) {
  const std::string folder = arguments.text(option, fallback);
  const std::string example = std::string(option) + " " + std::string(fallback);
  if (folder.empty()) throw ConfigError(std::string(option) + " is empty; name a folder, like " + example);
  if (folder == "-") {
    throw ConfigError(std::string(option) + " - means stdout, but this command writes a folder of files; " +
                      "name a folder, like " + example);
  }
  return folder;
}

}  // namespace mq::cli
