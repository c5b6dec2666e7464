// What differs between two versions of a configuration.
#pragma once

#include "admin/config_path.h"

namespace weir {

/// A JSON array, one object for each place: `path`, and `old` and `new` where there is a value.
/// Lists are compared entry by entry, after what is the same at their beginning and their end.
Json config_diff(const Json& before, const Json& after);

}  // namespace weir
