// The options of `server_timing`.
#pragma once

#include "config/schema.h"

namespace weir {

struct ServerTimingConfig {
  bool trace = true;

  static constexpr auto schema = config::object(
      "server_timing",
      "Tells browsers how long a response took, until its head, in a `Server-Timing` field: in "
      "all, "
      "and at the upstream. Everybody who asks can see it.",
      config::field<&ServerTimingConfig::trace>(
          "trace",
          "Also names the trace, as `traceparent`, when `tracing` is on: what a page "
          "reports can then be found in it."));
};

}  // namespace weir
