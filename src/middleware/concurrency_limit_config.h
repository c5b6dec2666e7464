// The options of `concurrency_limit`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/schema.h"

namespace weir {

struct ConcurrencyLimitConfig {
  std::uint32_t max = 0;
  std::vector<config::Located<std::string>> key = {{"client_ip"}};
  std::string name;
  config::Located<std::string> when;

  static constexpr auto schema = config::object(
      "concurrency_limit",
      "Refuses requests (429, reason `limit`) of a client, or another key, that has too many under "
      "way. A request is under way until the last byte of its response, a WebSocket until it is "
      "closed. All workers count together.",
      config::field<&ConcurrencyLimitConfig::max>("max", "How many may be under way.",
                                                  config::required, config::shorthand,
                                                  config::range(1, 1'000'000)),
      config::field<&ConcurrencyLimitConfig::key>("key",
                                                  "Expressions that together say whose requests "
                                                  "are counted, as in `rate_limit`; `[]` counts "
                                                  "all requests together.",
                                                  config::one_or_many,
                                                  config::example("[client_ip, route]")),
      config::field<&ConcurrencyLimitConfig::name>(
          "name",
          "Limits of one name count together, each with its own `max`; without a name they "
          "count for their route or listener alone.",
          config::example("downloads")),
      config::field<&ConcurrencyLimitConfig::when>(
          "when", "An expression: only requests for which it is true; all, if not given.",
          config::example("'path != \"/events\"'")));
};

}  // namespace weir
