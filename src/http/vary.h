// Vary: the fields of requests by which a response was chosen (RFC 9110, 12.5.5).
#pragma once

#include <string_view>

#include "http/headers.h"

namespace weir {

/// Adds `field` to the Vary of a response, unless it is there or `*` is. `field` outlives it.
void vary_by(Headers& response, std::string_view field);

}  // namespace weir
