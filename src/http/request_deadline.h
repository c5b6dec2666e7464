// RequestDeadline: when a request must have been answered, and how the next server is told of it.
#pragma once

#include <optional>
#include <string_view>

#include "http/exchange.h"

namespace weir {

/// The fields are `grpc-timeout` of a gRPC call, and `X-Request-Timeout` of everything else: what
/// is left of the time when the request is sent, not a moment, so that no two clocks have to agree.
struct RequestDeadline {
  static constexpr TimePoint kNever = TimePoint::max();

  TimePoint at = kNever;
  bool grpc = false;  // it is told as grpc-timeout

  bool known() const { return at != kNever; }
  bool passed(TimePoint now) const { return at <= now; }
};

/// `X-Request-Timeout`: seconds, with or without a fraction, or a number with the unit `s` or `ms`;
/// a year at most. Nothing if it is malformed.
std::optional<Duration> parse_request_timeout(std::string_view text);
/// In seconds, to the millisecond; never less than one of them.
std::string_view write_request_timeout(Duration time, Arena& arena);

/// The soonest of what the route allows, counted from the head of the request, and what the caller
/// asks for: `grpc-timeout` of a gRPC call, `X-Request-Timeout` of a trusted peer; that of any
/// other peer is removed. From then on the exchange ends with ErrorCode::timeout at the deadline.
RequestDeadline keep_deadline(Exchange& exchange, Duration route);  // zero: unlimited

/// Writes what is left at `now` into the headers of a request that is about to be sent.
void tell_deadline(const RequestDeadline& deadline, TimePoint now, Headers& headers);

}  // namespace weir
