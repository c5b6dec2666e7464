#include "cluster/breaker_config.h"

namespace weir {

BreakerPolicy BreakerConfig::policy() const {
  return {.max_requests = max_requests.value_or(0),
          .max_pending = max_pending.value_or(0),
          .max_retries = max_retries.value_or(0),
          .failure_rate = failure_rate.value_or(0),
          .min_requests = min_requests,
          .window = window,
          .open_time = open_time,
          .probes = probes};
}

}  // namespace weir
