// The secrets of sticky sessions, as a file holds them.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace weir {

/// One secret a line; the first signs. The error is for people.
std::expected<std::vector<std::string>, std::string> read_sticky_keys(const std::string& path);

}  // namespace weir
