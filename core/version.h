/// The version of Meltquench, from the project's CMake file.
#pragma once

#include <string_view>

namespace mq {

/// "0.1.0"
std::string_view version();

}  // namespace mq
