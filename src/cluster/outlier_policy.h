// When an endpoint is ejected, and for how long; see OutliersConfig.
#pragma once

#include <cstdint>

#include "io/timer.h"

namespace weir {

struct OutlierPolicy {
  std::uint32_t connect_failures = 0;  // in a row, like the next two; 0: not by this
  std::uint32_t gateway_errors = 0;
  std::uint32_t errors = 0;
  double success_rate = 0;  // standard deviations; 0: not by this
  double latency = 0;
  std::uint32_t min_requests = 100;
  std::uint32_t min_endpoints = 3;
  Duration interval = std::chrono::seconds(10);
  Duration base_time = std::chrono::seconds(30);
  Duration max_time = std::chrono::minutes(5);
  std::uint32_t max_ejected = 50;  // percent of the endpoints

  bool counts_rows() const { return (connect_failures | gateway_errors | errors) != 0; }
  bool compares() const { return success_rate > 0 || latency > 0; }
  bool on() const { return counts_rows() || compares(); }
};

}  // namespace weir
