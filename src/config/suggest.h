// "Did you mean": finds the known name that a misspelt one looks most like.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace weir::config {

// Damerau-Levenshtein distance (insert, delete, replace, swap of neighbours), ignoring case and
// treating '-' as '_'. Gives up and returns limit + 1 when the distance is greater than limit.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

// The best match, or an empty view when none is close enough to be worth a guess.
std::string_view closest(std::string_view name, std::span<const std::string_view> known);

// `did you mean "listen"?`, or else `known here: a, b, c` (at most twelve names), or empty.
std::string suggestion(std::string_view name, std::span<const std::string_view> known);

}  // namespace weir::config
