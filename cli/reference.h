/// The pages of docs/reference/, from the values of commands, config sections, device models and presets.
#pragma once

#include <string>
#include <vector>

namespace mq::cli {

struct Page {
  std::string file;  ///< "cli.md"
  std::string text;
};
std::vector<Page> reference_pages();

}  // namespace mq::cli
