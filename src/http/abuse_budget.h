// AbuseBudget: how much a connection may do that costs us and serves nobody, before it is closed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/counter.h"
#include "core/error.h"
#include "io/timer.h"

namespace weir {

/// What costs us more than it costs the client. Ordinary clients do some of each.
enum class Misdeed : std::uint8_t {
  reset,           // an exchange was cancelled before its response was whole
  malformed,       // a message or frame that broke the protocol, so that we had to reset
  refused,         // an exchange beyond the limit
  ping,            // each wants an answer
  settings,        // so does each of these
  priority,        // signals that change the write order
  empty_frame,     // a frame that carries nothing; of HTTP/1, a few bytes of a body at a time
  window_update,   // without data to match
  continuation,    // a head in many (of HTTP/1: and small) pieces
  oversized_head,  // a head beyond the limits
  stalled,         // a response or upload that the client let stand
  ignored_frame,   // for a stream that is gone, or of an unknown kind
  count
};

inline constexpr std::size_t kMisdeeds = static_cast<std::size_t>(Misdeed::count);

/// As it is written in metrics.
std::string_view name(Misdeed misdeed);

/// What one misdeed costs, in points.
std::uint32_t cost(Misdeed misdeed);

/// What an exchange of HTTP/1 that ended with `error` was; nothing if the client is not to blame.
/// Frames of HTTP/2 are judged where they are read.
std::optional<Misdeed> misdeed_of(const Error& error);

struct AbuseLimits {
  std::uint32_t points = 2000;  // what a connection may spend at once; 0: no limit
  std::uint32_t refill = 200;   // points that come back each second
};

/// What one worker has seen; part of SessionCounters.
struct AbuseCounters {
  std::array<Counter, kMisdeeds> misdeeds;
  Counter closed;  // connections that used up their budget

  Counter& of(Misdeed misdeed) { return misdeeds[static_cast<std::size_t>(misdeed)]; }
  const Counter& of(Misdeed misdeed) const { return misdeeds[static_cast<std::size_t>(misdeed)]; }
  void add(const AbuseCounters& other);
};

/// One per connection, any version of HTTP. Points come back with time, and are earned by
/// exchanges that end as they should: a client that works with us a lot may also cancel a lot.
class AbuseBudget {
 public:
  /// What an exchange that was carried to its end earns.
  static constexpr std::uint32_t kGoodExchange = 2;

  AbuseBudget(const AbuseLimits& limits, TimePoint now) : limits_(limits), refilled_(now) {}

  /// False when the budget is used up, from then on for ever: the connection must be closed.
  bool spend(Misdeed misdeed, TimePoint now, AbuseCounters& counters);
  /// Uses it up at once: something that no client does by mistake.
  void exhaust(AbuseCounters& counters);
  void earn(std::uint32_t points) { spent_ = points < spent_ ? spent_ - points : 0; }
  bool exhausted() const { return exhausted_; }
  /// Points used at this moment, without what time has given back since the last misdeed.
  std::uint32_t spent() const { return spent_; }

 private:
  AbuseLimits limits_;
  TimePoint refilled_;
  std::uint32_t spent_ = 0;
  bool exhausted_ = false;
};

}  // namespace weir
