#include <filesystem>
#include <ostream>

#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/reference.h"
#include "meltquench/core/files.h"

namespace mq::cli {

Command docs_reference_command() {
  return {.name = "docs-reference",
          .summary = "Write the reference pages of the documentation.",
          .details = {},
          .operands = {{.name = "DIR", .sentence = "Folder to write to.", .completes = Completes::folders}},
          .run =
              [](const Arguments& arguments, Context& context) {
                const std::filesystem::path folder = arguments.text("DIR");
                ensure_writable_folder(folder);
                for (const Page& page : reference_pages()) {
                  write_file_atomically(folder / page.file, page.text);
                  context.out << (folder / page.file).string() << '\n';
                }
                return static_cast<int>(kDone);
              },
          .is_hidden = true};
}

}  // namespace mq::cli
