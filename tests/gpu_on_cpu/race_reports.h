/// The races that the thread sanitizer has reported to this program.
#pragma once

#include <set>
#include <string_view>
#include <utility>

namespace mq {

/// The two source lines of a race, in ascending order.
using RacingLines = std::pair<unsigned, unsigned>;

/// Those of the races since the last call: of each side, the innermost line of `file` (a name without
/// folder), or 0 if there is none. What no test takes fails the test that ran then.
std::set<RacingLines> take_races(std::string_view file);

}  // namespace mq
