#include "cluster/adaptive_limit_config.h"

#include "config/parse.h"

namespace weir {

void AdaptiveLimitConfig::check(const config::Found& found) const {
  if (min <= initial && initial <= max) return;
  found.error("initial", config::Code::contradiction,
              "\"initial\" does not lie between \"min\" and \"max\"",
              "the limit moves between the two");
}

AdaptiveLimitPolicy AdaptiveLimitConfig::policy() const {
  return {.on = true,
          .initial = initial,
          .min = min,
          .max = max,
          .tolerance = tolerance,
          .interval = interval};
}

}  // namespace weir
