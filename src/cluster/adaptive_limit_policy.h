// How many requests a cluster may have under way, found by itself; see AdaptiveLimitConfig.
#pragma once

#include <cstdint>

#include "io/timer.h"

namespace weir {

struct AdaptiveLimitPolicy {
  bool on = false;
  std::uint32_t initial = 20;
  std::uint32_t min = 3;
  std::uint32_t max = 1000;
  double tolerance = 1.5;
  Duration interval = std::chrono::milliseconds(250);
};

}  // namespace weir
