// From the path of a request to the path of a file below the root.
#pragma once

#include <optional>
#include <string_view>

#include "core/arena.h"

namespace weir {

/// `path` is that of a target: normalised, beginning with "/". The result is percent-decoded and
/// has no "/" in front; nothing for what cannot be a file's path. It is in the arena, or in `path`.
std::optional<std::string_view> file_path(std::string_view path, Arena& arena);

/// `path` without `prefix`, which ends at the end of a segment ("/static" is no prefix of
/// "/statics"); nothing if it has another.
std::optional<std::string_view> strip_prefix(std::string_view path, std::string_view prefix);

}  // namespace weir
