// The options of the adaptive limit of requests to a cluster.
#pragma once

#include <cstdint>

#include "cluster/adaptive_limit_policy.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct AdaptiveLimitConfig {
  std::uint32_t initial = 20;
  std::uint32_t min = 3;
  std::uint32_t max = 1000;
  double tolerance = 1.5;
  config::Duration interval = std::chrono::milliseconds(250);

  // The first limit lies between the least and the most.
  void check(const config::Found& found) const;
  AdaptiveLimitPolicy policy() const;

  static constexpr auto schema = config::object(
      "adaptive_limit",
      "Finds by latency how many attempts the upstream can bear at a time, over all workers, and "
      "refuses what is above with 503 at once, in place of a queue that grows.",
      config::field<&AdaptiveLimitConfig::initial>("initial", "The limit to begin with.",
                                                   config::range(1, 100'000)),
      config::field<&AdaptiveLimitConfig::min>("min", "The limit is never less.",
                                               config::range(1, 100'000)),
      config::field<&AdaptiveLimitConfig::max>("max", "And never more.", config::range(1, 100'000)),
      config::field<&AdaptiveLimitConfig::tolerance>(
          "tolerance",
          "How many times its best latency is still taken for a good one: more keeps origins "
          "busier, "
          "and their queues longer.",
          config::range(1.05, 10)),
      config::field<&AdaptiveLimitConfig::interval>(
          "interval", "How often the limit changes; a few times the usual latency.",
          config::range(std::chrono::milliseconds(10), std::chrono::minutes(1))));
};

}  // namespace weir
