// Configurations as JSON: what the admin API takes and versions are kept as. The JSON header is
// heavy: only for .cc files.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "config/diagnostics.h"
#include "config/document.h"

namespace weir::config {

using Json = nlohmann::ordered_json;

// Strict: a key that stands twice in one object is refused, and nesting deeper than a file may
// have. The error is a sentence for people.
std::expected<Json, std::string> read_json(std::string_view text);

// As if it stood in a file `name`, one value on a line, so that diagnostics can show the place.
Document document_of(const Json& value, std::string name, Diagnostics& diagnostics);

}  // namespace weir::config
