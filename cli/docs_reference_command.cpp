#include <filesystem>
#include <ostream>

#include "meltquench/cli/accuracy_page.h"
#include "meltquench/cli/command.h"
#include "meltquench/cli/exit_code.h"
#include "meltquench/cli/gallery.h"
#include "meltquench/cli/reference.h"
#include "meltquench/core/files.h"

namespace mq::cli {
namespace {

Command pages_command(std::string_view name, std::string_view summary, std::vector<Page> (*pages)()) {
  return {.name = name,
          .summary = summary,
          .details = {},
          .operands = {{.name = "DIR", .sentence = "Folder to write to.", .completes = Completes::folders}},
          .run =
              [pages](const Arguments& arguments, Context& context) {
                const std::filesystem::path folder = arguments.text("DIR");
                for (const Page& page : pages()) {
                  const std::filesystem::path file = folder / page.file;
                  ensure_writable_folder(file.parent_path());
                  write_file_atomically(file, page.text);
                  context.out << file.string() << '\n';
                }
                return static_cast<int>(kDone);
              },
          .is_hidden = true};
}

}  // namespace

Command docs_reference_command() {
  return pages_command("docs-reference", "Write the reference pages of the documentation.", reference_pages);
}
Command docs_gallery_command() {
  return pages_command("docs-gallery", "Write the gallery of device models and its figures.", gallery_pages);
}

Command docs_accuracy_command() {
  return pages_command("docs-accuracy", "Measure what approximations cost and write their page.",
                       accuracy_pages);
}

}  // namespace mq::cli
