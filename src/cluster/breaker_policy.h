// What protects a cluster from more than it can bear; see BreakerConfig.
#pragma once

#include <cstdint>

#include "io/timer.h"

namespace weir {

struct BreakerPolicy {
  // At a time, over all workers; 0: unlimited.
  std::uint32_t max_requests = 0;
  std::uint32_t max_pending = 0;
  std::uint32_t max_retries = 0;
  // Of the attempts in `window`, in percent; 0: never opens.
  std::uint32_t failure_rate = 0;
  std::uint32_t min_requests = 20;
  Duration window = std::chrono::seconds(10);
  Duration open_time = std::chrono::seconds(5);
  std::uint32_t probes = 3;

  bool limits() const { return (max_requests | max_pending | max_retries) != 0; }
  bool opens() const { return failure_rate != 0; }
};

}  // namespace weir
