// One change of a configuration's document, before anybody judges what comes out of it.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "admin/config_path.h"
#include "admin/refusal.h"

namespace weir {

struct ConfigChange {
  enum class Kind : std::uint8_t {
    put,    // the value stands there afterwards
    merge,  // JSON Merge Patch (RFC 7396): null takes away
    remove  // the default counts again, or the entry is gone
  };
  Kind kind = Kind::put;
  std::vector<std::string> path;
  Json value;  // not of `remove`
};

/// What stands for a secret in what clients are shown.
inline constexpr std::string_view kRedacted = "<redacted>";

/// `document` after the change. Objects on the way that are not there yet are made; entries of
/// lists are not, except that `-` or the number after the last appends. What a client was shown as
/// `<redacted>` and sends back keeps its secret: `shown` is the document as clients see it. Takes
/// time in proportion to the document.
std::expected<Json, Refusal> changed(Json document, const Json& shown, ConfigChange change);

/// `target` after a JSON Merge Patch. Depth is that of the patch, which its reader bounds.
void merge_patch(Json& target, const Json& patch);

}  // namespace weir
