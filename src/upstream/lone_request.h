// One request over a connection that is its own: nothing is picked, pooled or tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "upstream/dial.h"
#include "upstream/fetch.h"

namespace weir {

struct LoneAnswer {
  std::uint16_t status = 0;
  std::string body;         // its beginning, if `cut`
  bool cut = false;         // there is more than was asked for
  std::string grpc_status;  // of the trailers or, without a body, of the head; empty: none
};

/// Sends `request` over `connection`, HTTP/2 or HTTP/1.1, and reads the answer: all of it, or its
/// first `body_bytes`. The connection is closed in any case. Time is up when `stop` says so.
/// Errors: what the exchange reports (Origin::upstream), and the reason of `stop`.
Task<Result<LoneAnswer>> ask_once(Loop& loop, Dialled connection, FetchRequest request,
                                  std::size_t body_bytes, StopToken stop);

}  // namespace weir
