/// The known name that was probably meant by an unknown one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mq {

/// The candidate with the fewest edits (insert, delete, replace, swap neighbours; letter case costs nothing),
/// or an empty text if even the best needs more edits than a third of the longer word's letters.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// "; did you mean <nearest>?", or "; known are a, b and c" if nothing is near (nothing for no candidates).
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// "a, b and c"
std::string join_names(std::span<const std::string> names);

}  // namespace mq
