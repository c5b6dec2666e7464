// The options of `split`: which share of the requests each of several upstreams gets.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema.h"

namespace weir {

struct SplitEntryConfig {
  config::Located<std::string> upstream;
  std::uint32_t weight = 1;
  config::Located<std::string> when;

  static constexpr auto schema = config::object(
      "split entry", "One of the upstreams that share the requests of a route.",
      config::field<&SplitEntryConfig::upstream>("upstream",
                                                 "The name of an entry under "
                                                 "`upstreams`.",
                                                 config::required, config::shorthand,
                                                 config::not_empty, config::example("api-canary")),
      config::field<&SplitEntryConfig::weight>(
          "weight",
          "Its share of the requests, compared with the other entries. With 0 it gets only those "
          "of its `when`.",
          config::range(0, 1'000'000)),
      config::field<&SplitEntryConfig::when>(
          "when",
          "An expression: every request for which it is true goes here, whatever the weights say. "
          "The first entry whose expression is true wins.",
          config::example("'header.x-canary == \"always\"'")));
};

}  // namespace weir
