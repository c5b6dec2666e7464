// Patterns with `*`.
#pragma once

#include <string_view>

namespace weir {

/// `*` in the pattern stands for any text, "/" included. Time grows with the product of both
/// lengths at most.
bool fits(std::string_view pattern, std::string_view text);

}  // namespace weir
