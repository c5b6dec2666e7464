// What is wrong with an expression or template, and where.
#pragma once

#include <cstddef>
#include <string>

namespace weir::expression {

/// Offset and length count bytes of the source, so that a caret can stand under the place.
struct CompileError {
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string message;  ///< one sentence in lower case
  std::string help;     ///< what to write instead; may be empty
};

}  // namespace weir::expression
