// The options of an upstream about how much its endpoints take at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "cluster/endpoint_limits.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct EndpointLimitsConfig {
  std::optional<std::uint32_t> max_requests;
  std::optional<std::uint32_t> max_connections;
  std::uint32_t queue = EndpointLimits().queue;
  config::Duration queue_timeout = EndpointLimits().queue_timeout;

  EndpointLimits limits() const {
    return {max_requests.value_or(0), queue, queue_timeout, max_connections.value_or(0)};
  }

  static constexpr auto schema = config::object(
      "endpoint limits", "How much one endpoint gets at a time, and what happens to the rest.",
      config::field<&EndpointLimitsConfig::max_requests>(
          "max_requests", "Requests under way on one endpoint, over all workers.",
          config::none("unlimited"), config::shorthand, config::range(1, 1'000'000)),
      config::field<&EndpointLimitsConfig::max_connections>(
          "max_connections",
          "Connections to one endpoint, over all workers: in use, idle or being opened; tunnels "
          "count, health checks do not. Over HTTP/2 there should be one for each worker.",
          config::none("unlimited"), config::range(1, 1'000'000)),
      config::field<&EndpointLimitsConfig::queue>(
          "queue",
          "Requests that may wait until an endpoint has room; they are served in the order in "
          "which "
          "they came. 503 with the reason `queue_full` for more.",
          config::range(0, 1'000'000)),
      config::field<&EndpointLimitsConfig::queue_timeout>(
          "queue_timeout", "How long a request may wait; then 503 with the reason `queue_timeout`.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(1))));
};

}  // namespace weir
