// RecentLog: the last lines of the program's own log, for those who ask the running process.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"

namespace weir {

struct LogSearch {
  LogLevel least = LogLevel::info;  ///< this level and worse ones
  std::string_view text;            ///< anywhere in the line, whatever the case of ASCII letters
  std::uint64_t after = 0;          ///< only lines with a greater number
  std::size_t most = 200;           ///< the newest ones of those that match
};

struct LogExcerpt {
  std::vector<std::string> lines;  ///< JSON objects, the oldest first
  std::uint64_t last = 0;          ///< number of the newest line of all, matching or not
  std::uint64_t forgotten = 0;     ///< lines since the start that are not kept any more
};

/// A ring that is bounded by lines and by bytes; what comes pushes out the oldest. Thread safe.
class RecentLog {
 public:
  static constexpr std::size_t kMostLines = 1000;
  static constexpr std::size_t kMostBytes = 256u << 10;

  /// `json` is one object without a line break. One that is larger than the ring is not kept.
  void add(LogLevel level, std::string json);

  LogExcerpt find(const LogSearch& search) const;

 private:
  struct Line {
    std::uint64_t number;
    LogLevel level;
    std::string json;
  };

  mutable std::mutex mutex_;
  std::deque<Line> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
};

/// Of this process: what `log` wrote, whatever form it had on standard error.
RecentLog& recent_log();

}  // namespace weir
