// The options of a cluster's circuit breaker.
#pragma once

#include <cstdint>
#include <optional>

#include "cluster/breaker_policy.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct BreakerConfig {
  std::optional<std::uint32_t> max_connections;
  std::optional<std::uint32_t> max_requests;
  std::optional<std::uint32_t> max_pending;
  std::optional<std::uint32_t> max_retries;
  std::optional<std::uint32_t> failure_rate;
  std::uint32_t min_requests = 20;
  config::Duration window = std::chrono::seconds(10);
  config::Duration open_time = std::chrono::seconds(5);
  std::uint32_t probes = 3;

  BreakerPolicy policy() const;

  static constexpr auto schema = config::object(
      "breaker",
      "Refuses requests with 503 when the upstream has too much to do, or is down. All counts are "
      "of the whole process.",
      config::field<&BreakerConfig::max_connections>(
          "max_connections",
          "Connections to all endpoints together: in use, idle or being opened; tunnels count, "
          "health "
          "checks do not. An idle one makes way for one that is needed; else that is waited for, "
          "as "
          "`endpoint_limits` say with `queue` and `queue_timeout`.",
          config::none("unlimited"), config::range(1, 10'000'000)),
      config::field<&BreakerConfig::max_requests>(
          "max_requests", "Attempts under way at a time, up to the end of the response.",
          config::none("unlimited"), config::range(1, 10'000'000)),
      config::field<&BreakerConfig::max_pending>(
          "max_pending", "Requests that wait for a connection to be made.",
          config::none("unlimited"), config::range(1, 10'000'000)),
      config::field<&BreakerConfig::max_retries>(
          "max_retries",
          "Attempts under way that are not the first of their request. What is above is not tried "
          "again: the client gets what the attempt before said.",
          config::none("unlimited"), config::range(1, 10'000'000)),
      config::field<&BreakerConfig::failure_rate>(
          "failure_rate",
          "The share of attempts, in percent, that fails before the breaker opens: 502, 503, 504, "
          "no "
          "answer (in time), or no connection. 50 is a good value.",
          config::none("off"), config::range(1, 100)),
      config::field<&BreakerConfig::min_requests>(
          "min_requests", "Attempts in a `window` before a share is a reason.",
          config::range(1, 1'000'000)),
      config::field<&BreakerConfig::window>(
          "window", "How far back attempts are looked at.",
          config::range(std::chrono::seconds(1), std::chrono::minutes(10))),
      config::field<&BreakerConfig::open_time>(
          "open_time", "How long it stays open before `probes` are let through.",
          config::range(std::chrono::milliseconds(10), std::chrono::hours(1))),
      config::field<&BreakerConfig::probes>(
          "probes", "Attempts that must all succeed to close it again; one that fails opens it.",
          config::range(1, 1000)));
};

}  // namespace weir
