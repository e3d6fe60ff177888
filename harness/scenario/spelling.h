#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace crypelab::scenario {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

// "did you mean 'x'?" for the nearest of `known` if it is near enough to be a slip; otherwise empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known);

// "a, b, c"
std::string join(const std::vector<std::string_view>& words);

}  // namespace crypelab::scenario
