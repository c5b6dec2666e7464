// Paths into a configuration, as the admin API writes them: /upstreams/api/endpoints/0.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/json_document.h"

namespace weir {

using config::Json;

/// The steps of a JSON Pointer (RFC 6901): `~1` stands for a `/` within a step. Nothing if it is
/// broken. `/` is the whole, as the empty path is.
std::optional<std::vector<std::string>> parse_pointer(std::string_view text);

/// The same for one that came in a URL, percent-encoded. No step is empty.
std::optional<std::vector<std::string>> parse_config_path(std::string_view text);

/// The place of a list's entry: its number, or else its `name`, or for want of one its `address`.
std::optional<std::size_t> entry_of(const Json& list, std::string_view step);

/// What an entry of a list is called: its `name`, or else its `address`; empty if it has neither.
std::string_view label_of(const Json& entry);

/// Null if there is no such value.
const Json* find_value(const Json& document, const std::vector<std::string>& path);

/// For messages.
std::string path_text(const std::vector<std::string>& path);

}  // namespace weir
