// EndpointLimits: how much an endpoint gets at a time, and what becomes of the rest.
#pragma once

#include <cstdint>

#include "io/timer.h"

namespace weir {

struct EndpointLimits {
  std::uint32_t max_requests = 0;  // of one endpoint, over all workers; 0: unlimited
  std::uint32_t queue = 1024;      // requests that may wait
  Duration queue_timeout = std::chrono::seconds(1);

  bool any() const { return max_requests > 0; }
  bool operator==(const EndpointLimits&) const = default;
};

}  // namespace weir
