// A scripted client of the simulation: sends its requests and checks what comes back.
#pragma once

#include <string>
#include <vector>

#include "io/sim/loop.h"
#include "ledger.h"
#include "wire.h"

namespace weir::sim {

/// What a client does with one connection.
struct Visit {
  std::vector<Story*> stories;
  bool http2 = false;        // each request is a stream
  std::size_t together = 1;  // requests that are sent without waiting for answers
  Duration before{};         // the pause that precedes it
  Pace pace;
  bool half_close = false;  // closes its side behind the last request
  bool linger = false;      // stays until the proxy closes
  // Leaves when it has moved so many bytes, perhaps in the middle of a request or response.
  std::size_t leave_after_writing = kNever;
  std::size_t leave_after_reading = kNever;
  bool leave_by_reset = false;
};

/// The visits, one after the other; `ledger.clients` counts one less at the end.
Task<void> run_client(SimLoop& loop, Ledger& ledger, std::vector<Visit> visits);

inline constexpr std::string_view kProxyAddress = "10.0.0.1:80";

}  // namespace weir::sim
