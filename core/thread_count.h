/// What to say of a number of threads that somebody asks for.
#pragma once

#include <string>

namespace mq {

/// For more threads than there are cores; empty for others.
std::string warning_of_threads(int threads);

}  // namespace mq
