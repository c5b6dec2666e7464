// The tree between a config struct and its written forms. Only for the .cc files of this room: the
// JSON header is heavy.
#pragma once

#include <nlohmann/json.hpp>

#include "config/dump.h"

namespace weir::config {

using Json = nlohmann::ordered_json;

// What a value says with all defaults. A discarded Json stands for "leave the key out".
Json effective(const Type& type, const Rules& rules, const void* value, Secrets secrets);

Json effective_object(const ObjectType& object, const void* value, Secrets secrets);

// A text in double quotes, which no reader takes for anything else.
std::string quoted_yaml(std::string_view text);

// One line, as within a list: `{ a: 1, b: [x, y] }`.
std::string flow_yaml(const Json& value);

}  // namespace weir::config
