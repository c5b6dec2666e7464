// The options of outlier detection: when an endpoint that fails requests is left alone for a while.
#pragma once

#include <cstdint>
#include <optional>

#include "cluster/outlier_policy.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct OutliersConfig {
  std::optional<std::uint32_t> connect_failures = 3;
  std::optional<std::uint32_t> gateway_errors = 5;
  std::optional<std::uint32_t> errors;
  std::optional<double> success_rate;
  std::optional<double> latency;
  std::uint32_t min_requests = 100;
  std::uint32_t min_endpoints = 3;
  config::Duration interval = std::chrono::seconds(10);
  config::Duration base_time = std::chrono::seconds(30);
  config::Duration max_time = std::chrono::minutes(5);
  std::uint32_t max_ejected = 50;

  // No ejection is longer than the longest.
  void check(const config::Found& found) const;
  OutlierPolicy policy() const;

  static constexpr auto schema = config::object(
      "outliers", "When an endpoint that fails requests gets none for a while.",
      config::field<&OutliersConfig::connect_failures>("connect_failures",
                                                       "Failures to connect in a row.",
                                                       config::none("off"), config::range(1, 1000)),
      config::field<&OutliersConfig::gateway_errors>("gateway_errors",
                                                     "Attempts in a row that said the endpoint is "
                                                     "down: 502, 503, 504, no answer (in time), no "
                                                     "connection.",
                                                     config::none("off"), config::range(1, 1000)),
      config::field<&OutliersConfig::errors>(
          "errors",
          "The same, and every other status from 500 on. Off, because an origin may answer 500 to "
          "what one client asks, and that client could then take away endpoints from all others.",
          config::none("off"), config::range(1, 1000)),
      config::field<&OutliersConfig::success_rate>(
          "success_rate",
          "How many standard deviations below the mean of the others the rate of answers below 500 "
          "may lie, over an `interval`. 2 is a good value. Five hundredths are never too far.",
          config::none("off"), config::range(0.5, 10)),
      config::field<&OutliersConfig::latency>("latency",
                                              "How many standard deviations above the mean of the "
                                              "others the mean time to an answer may "
                                              "lie, over an `interval`. 3 is a good value. Up to "
                                              "twice that mean, or 10 ms above it, is "
                                              "never too far.",
                                              config::none("off"), config::range(0.5, 10)),
      config::field<&OutliersConfig::min_requests>(
          "min_requests",
          "Answers that an endpoint must have given in an `interval` to be compared with others.",
          config::range(1, 1'000'000)),
      config::field<&OutliersConfig::min_endpoints>("min_endpoints",
                                                    "How many endpoints there must be to compare.",
                                                    config::range(3, 100'000)),
      config::field<&OutliersConfig::interval>(
          "interval", "How often endpoints are compared.",
          config::range(std::chrono::seconds(1), std::chrono::hours(1))),
      config::field<&OutliersConfig::base_time>(
          "base_time",
          "How long the first ejection lasts; the second lasts twice as long, and so on. One is "
          "forgotten for each `base_time` that the endpoint serves without another.",
          config::range(std::chrono::seconds(1), std::chrono::hours(24))),
      config::field<&OutliersConfig::max_time>(
          "max_time", "How long an ejection may last.",
          config::range(std::chrono::seconds(1), std::chrono::hours(24))),
      config::field<&OutliersConfig::max_ejected>(
          "max_ejected",
          "The share of the endpoints, in percent, that may be ejected at a time. One may always "
          "be, if another is left; the last one never is.",
          config::range(1, 100)));
};

}  // namespace weir
