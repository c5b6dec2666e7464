// maintenance: 503 for everyone but those who work on it.
#pragma once

#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "expression/expression.h"
#include "expression/html_page.h"
#include "http/handler.h"
#include "middleware/maintenance_config.h"

namespace weir {

class MaintenanceMiddleware final : public Middleware {
 public:
  MaintenanceMiddleware(const MaintenanceConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<Response>> refuse(Exchange& exchange) const;

  bool enabled_;
  std::string retry_after_;  // seconds
  std::optional<HtmlPage> page_;
  std::optional<expression::Expression> unless_;
};

}  // namespace weir
