#include "meltquench/core/thread_count.h"

#include "meltquench/core/exec.h"

namespace mq {

std::string warning_of_threads(int threads) {
  const int cores = available_threads();
  if (threads <= cores) return {};
  return std::to_string(threads) + " threads are more than the " + std::to_string(cores) +
         " cores of this process: results are the same, and it takes longer and more memory";
}

}  // namespace mq
