/// Characters of numbers as ASCII has them, whatever the locale of the process says.
#pragma once

namespace mq {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace mq
