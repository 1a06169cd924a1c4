/// Independent pieces of work on all threads of an Exec, such as one chip each.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

#include "meltquench/core/exec.h"

namespace mq {

/// `alone`: the Exec of one piece. `is_in_vain` turns true when another piece has failed or a stop was
/// requested.
using PieceOfWork =
    std::function<void(const Exec& alone, std::size_t i, const std::function<bool()>& is_in_vain)>;

/// Calls `work` for i = 0 to count - 1, at most `exec.threads` at a time; one piece gets one thread, or
/// several where there are fewer pieces than threads. Returns when all have ended. After a piece has thrown
/// or a stop was requested no new one starts; the first exception is thrown again.
void side_by_side(const Exec& exec, std::size_t count, const PieceOfWork& work);

}  // namespace mq
