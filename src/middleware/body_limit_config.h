// The options of `body_limit`.
#pragma once

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct BodyLimitConfig {
  config::ByteSize max;

  static constexpr auto schema = config::object(
      "body_limit",
      "Refuses requests with a larger body, with 413. Where several apply, the smallest counts; "
      "the listener's `limits.max_body_bytes` is one of them.",
      config::field<&BodyLimitConfig::max>("max", "The largest body.", config::required,
                                           config::shorthand));
};

}  // namespace weir
