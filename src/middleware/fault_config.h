// The options of `fault`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct FaultDelayConfig {
  config::Duration time = std::chrono::seconds(1);
  double percent = 100;

  static constexpr auto schema =
      config::object("fault delay", "How long requests wait before they go on.",
                     config::field<&FaultDelayConfig::time>(
                         "time", "How long.", config::required, config::shorthand,
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(1))),
                     config::field<&FaultDelayConfig::percent>(
                         "percent", "How many of the requests.", config::range(0, 100)));
};

struct FaultAbortConfig {
  std::uint16_t status = 503;
  double percent = 100;

  static constexpr auto schema = config::object(
      "fault abort", "Requests that are answered with an error in place of the real answer.",
      config::field<&FaultAbortConfig::status>("status", "Status code of the error.",
                                               config::required, config::shorthand,
                                               config::range(400, 599)),
      config::field<&FaultAbortConfig::percent>("percent", "How many of the requests.",
                                                config::range(0, 100)));
};

struct FaultConfig {
  std::optional<FaultDelayConfig> delay;
  std::optional<FaultAbortConfig> abort;
  config::Located<std::string> when;

  // Something has to go wrong.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "fault",
      "Makes requests slow or makes them fail, to see what clients do then. A request can be "
      "delayed and then aborted; the two percentages are drawn apart.",
      config::field<&FaultConfig::delay>("delay", "Requests that wait.", config::none("off")),
      config::field<&FaultConfig::abort>("abort", "Requests that fail.", config::none("off")),
      config::field<&FaultConfig::when>(
          "when", "An expression: only requests for which it is true; all, if not given.",
          config::example("'header.x-fault == \"on\"'")));
};

}  // namespace weir
