// fetch: one small request of Weir's own to a cluster, and its whole answer.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "upstream/upstream.h"

namespace weir {

struct FetchRequest {
  std::string host;                                           // of the Host field
  std::string target;                                         // path and query
  std::string content_type{};                                 // of the body
  std::string body{};                                         // GET if empty, else POST
  std::vector<std::pair<std::string, std::string>> fields{};  // more of the head
};

struct FetchLimits {
  Duration time = std::chrono::seconds(15);  // connecting and all bytes included
  std::size_t body_bytes = 64 * 1024;
};

struct Fetched {
  std::uint16_t status = 0;
  std::string body;
};

/// Goes through the upstream's own pool, timeouts and retries. Any status is an answer. Errors:
/// what `Upstream::send` reports, `timeout`, and `body_too_large` (Origin::upstream).
Task<Result<Fetched>> fetch(Loop& loop, const Upstream& upstream, FetchRequest request,
                            FetchLimits limits, StopToken stop = {});

}  // namespace weir
