// The options of `maintenance`.
#pragma once

#include <optional>
#include <string>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct MaintenanceConfig {
  bool enabled = true;
  config::Located<std::string> page;
  config::Duration retry_after = std::chrono::minutes(5);
  config::Located<std::string> unless;

  static constexpr auto schema = config::object(
      "maintenance",
      "Answers every request with 503 while something is worked on: your page for clients that ask "
      "for HTML, JSON for programs, UNAVAILABLE for calls of gRPC.",
      config::field<&MaintenanceConfig::enabled>(
          "enabled", "Whether it is on: so that it can stay in the file. A reload switches it.",
          config::shorthand),
      config::field<&MaintenanceConfig::page>(
          "page", "An HTML file. It may hold `${...}`; what fills it cannot become markup.",
          config::file_path, config::example("errors/maintenance.html")),
      config::field<&MaintenanceConfig::retry_after>(
          "retry_after", "When clients may come back: `Retry-After`.",
          config::range(std::chrono::seconds(1), std::chrono::hours(18))),
      config::field<&MaintenanceConfig::unless>(
          "unless", "An expression: requests for which it is true go on as always.",
          config::example("'client_ip in 10.0.0.0/8'")));
};

}  // namespace weir
