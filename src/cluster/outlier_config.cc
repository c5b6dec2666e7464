#include "cluster/outlier_config.h"

#include "config/parse.h"

namespace weir {

void OutliersConfig::check(const config::Found& found) const {
  if (base_time <= max_time) return;
  found.error("base_time", config::Code::contradiction, "\"base_time\" is longer than \"max_time\"",
              "the first ejection is the shortest");
}

OutlierPolicy OutliersConfig::policy() const {
  return {.connect_failures = connect_failures.value_or(0),
          .gateway_errors = gateway_errors.value_or(0),
          .errors = errors.value_or(0),
          .success_rate = success_rate.value_or(0),
          .latency = latency.value_or(0),
          .min_requests = min_requests,
          .min_endpoints = min_endpoints,
          .interval = interval,
          .base_time = base_time,
          .max_time = max_time,
          .max_ejected = max_ejected};
}

}  // namespace weir
