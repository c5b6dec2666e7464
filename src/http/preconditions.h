// Conditional requests (RFC 9110, 13): whether a request goes on, by what a client knows already.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/message.h"

namespace weir {

/// Of the representation that GET would give.
struct Validators {
  std::string_view etag;  // with its quotes, `W/` in front of a weak one; may be empty
  std::optional<std::int64_t> modified = {};  // seconds since 1970
};

enum class Precondition : std::uint8_t {
  holds,
  not_modified,  // 304
  failed         // 412
};

/// In the order of RFC 9110, 13.2.2; the last step, If-Range, is `range_wanted`. `now` in seconds
/// since 1970, for dates with two digits of a year.
Precondition check_preconditions(const Request& request, const Validators& current,
                                 std::int64_t now);

/// Whether a Range counts: it is a GET with one, and If-Range, if there is one, names exactly this
/// representation (13.1.5). A date is a strong validator only when a second has passed since.
bool range_wanted(const Request& request, const Validators& current, std::int64_t now);

enum class EtagComparison : std::uint8_t { strong, weak };

/// Whether a list of entity tags names `etag`, or is `*`. What follows a mistake is not read.
bool names_etag(std::string_view list, std::string_view etag, EtagComparison how);

}  // namespace weir
