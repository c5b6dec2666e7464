// EndpointLimits: how much an endpoint gets at a time, and what becomes of the rest.
#pragma once

#include <cstdint>

#include "io/timer.h"

namespace weir {

struct EndpointLimits {
  // Of one endpoint, over all workers; 0: unlimited.
  std::uint32_t max_requests = 0;
  std::uint32_t queue = 1024;  // requests that may wait
  Duration queue_timeout = std::chrono::seconds(1);
  std::uint32_t max_connections = 0;      // idle ones and those that are being opened included
  std::uint32_t cluster_connections = 0;  // the same, of all endpoints together

  bool any() const { return max_requests > 0; }
  bool connections() const { return (max_connections | cluster_connections) > 0; }
  /// Where each request has a connection of its own, it must not be picked for what it cannot open.
  EndpointLimits one_by_one() const {
    EndpointLimits limits = *this;
    bool fewer = max_connections > 0 && (max_requests == 0 || max_connections < max_requests);
    if (fewer) limits.max_requests = max_connections;
    return limits;
  }
  /// The same for all endpoints together.
  EndpointLimits of_cluster() const {
    EndpointLimits limits = *this;
    limits.max_connections = cluster_connections;
    return limits;
  }
  bool operator==(const EndpointLimits&) const = default;
};

}  // namespace weir
