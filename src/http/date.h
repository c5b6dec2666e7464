// HTTP dates (RFC 9110, 5.6.7): written as IMF-fixdate, read in all three forms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

inline constexpr std::size_t kHttpDateSize = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

/// Writes kHttpDateSize bytes. Seconds since 1970 (UTC), years 1970 to 9999; what lies outside
/// is clamped.
void write_http_date(std::int64_t unix_seconds, char* out);

/// IMF-fixdate, RFC 850 or asctime form; nothing for any other text or a date that does not
/// exist. `now` (seconds since 1970) decides the century of two-digit years: one that seems
/// more than 50 years ahead is in the past.
std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now = 0);

/// "Date: Sun, 06 Nov 1994 08:49:37 GMT" CRLF for the second of `unix_nanoseconds`. Made once per
/// second and thread; valid until the next call on the same thread.
std::string_view date_line(std::int64_t unix_nanoseconds);

}  // namespace weir
