// Paths of files as options say them.
#pragma once

#include <optional>
#include <string_view>

#include "config/rules.h"

namespace weir {

/// Empty, or a path as those of requests below a root: from "/" on, without what would need
/// percent-encoding, empty segments or hidden ones.
std::optional<config::Problem> check_file_path(std::string_view text);

}  // namespace weir
