// Gcra: a rate as an algorithm: whether one more is within it, from one number for each key.
#pragma once

#include <algorithm>
#include <cstdint>

namespace weir {

/// The generic cell rate algorithm (ITU-T I.371), which is a token bucket that needs one number:
/// when the whole budget will be there again. Times are nanoseconds of any clock that does not go
/// back. `interval * burst` is below 2^62.
struct Gcra {
  std::int64_t interval = 1;  // in which one unit comes back
  std::int64_t burst = 1;     // units of a whole budget

  struct Answer {
    bool allowed = false;
    std::int64_t used = 0;  // time until the whole budget is there again
    std::int64_t wait = 0;  // time until this would be allowed; 0 if it is
  };

  /// The whole budget as time.
  constexpr std::int64_t window() const { return interval * burst; }

  /// By which the clocks of those who use one budget may differ.
  static constexpr std::int64_t kSkew = 1'000'000'000;

  /// Takes `units` (at most `burst`), or nothing at all. A `full_at` that another rate has left
  /// counts, and is kept, as a budget that is used up: a new rate holds from its first request on.
  constexpr Answer take(std::int64_t& full_at, std::int64_t now, std::int64_t units = 1) const {
    if (full_at > now + window() + kSkew) full_at = now + window();
    std::int64_t from = std::max(full_at, now);
    std::int64_t next = from + interval * units;
    std::int64_t over = next - now - window();
    if (over > 0) return {false, from - now, over};
    full_at = next;
    return {true, next - now, 0};
  }

  /// Whole units that are left.
  constexpr std::int64_t left(const Answer& answer) const {
    return std::max<std::int64_t>(0, (window() - answer.used) / interval);
  }
};

}  // namespace weir
