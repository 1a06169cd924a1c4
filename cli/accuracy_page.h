/// docs/accuracy.md: what approximations cost, measured.
#pragma once

#include <vector>

#include "meltquench/cli/reference.h"

namespace mq::cli {

/// accuracy.md, as a place below docs. Takes some seconds.
std::vector<Page> accuracy_pages();

}  // namespace mq::cli
