// The page /log of the admin listener: recent lines of the program's own log, found by level and
// text.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "core/recent_log.h"

namespace weir {

/// What a query asks for: `level` (info, warning, error: at least this one), `text`, `after` (a
/// number that an earlier answer gave as `last`), `limit` (1 to 1000 lines). Percent-decoded.
struct LogQuery {
  LogLevel least = LogLevel::info;
  std::string text;
  std::uint64_t after = 0;
  std::size_t most = 200;
};

/// The error is the first parameter that makes no sense, in words.
std::expected<LogQuery, std::string> parse_log_query(std::string_view query);

/// `{"lines": [...], "last": N, "forgotten": N}`, the oldest line first.
std::string log_json(const RecentLog& log, const LogQuery& query);

}  // namespace weir
