// DerivedExchange: an exchange without a client, made from one that has: mirror, revalidation,
// fill.
#pragma once

#include "http/exchange.h"
#include "io/deadline.h"

namespace weir {

/// Has the head, the route, the client's address and the configuration of the exchange that it was
/// made from; an arena, a scope and a deadline of its own; no body, and nothing of the connection
/// but its addresses. The first may end before it. Whoever made it awaits `finish`.
class DerivedExchange {
 public:
  /// Stops with `timeout` after `time`, or with its owner.
  DerivedExchange(Exchange& from, Duration time, StopToken owner);

  Exchange& operator*() { return exchange_; }
  Exchange* operator->() { return &exchange_; }

 private:
  ConnectionFacts connection_;
  Deadline deadline_;
  Exchange exchange_;
};

}  // namespace weir
