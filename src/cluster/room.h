// pick_with_room: an endpoint that may have one more request, with a place on it taken.
#pragma once

#include <cstdint>
#include <optional>

#include "cluster/endpoint_set.h"
#include "cluster/request_queue.h"

namespace weir {

/// For clusters whose endpoints have limits. `pick()` gives an index in `set`, or nothing; the one
/// that is returned counts the request already. Nothing also while others wait: they come first.
template <class Pick>
std::optional<std::uint32_t> pick_with_room(const RequestQueue& queue, const EndpointSet& set,
                                            std::uint32_t max_requests, Pick pick) {
  if (queue.waiting() > 0) return std::nullopt;
  constexpr int kTries = 8;  // other workers may be faster
  for (int i = 0; i < kTries; ++i) {
    std::optional<std::uint32_t> index = pick();
    if (!index || set.endpoints[*index]->try_begin(max_requests)) return index;
  }
  return std::nullopt;
}

}  // namespace weir
