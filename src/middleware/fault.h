// fault: makes requests slow or makes them fail, to see what clients do then.
#pragma once

#include <optional>

#include "config/diagnostics.h"
#include "expression/expression.h"
#include "http/handler.h"
#include "middleware/fault_config.h"

namespace weir {

/// A delayed exchange that ends well has the reason `fault_delay`, an aborted one `fault_abort`.
class FaultMiddleware final : public Middleware {
 public:
  FaultMiddleware(const FaultConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<Response>> delay(Exchange& exchange, Next next, bool aborts) const;
  Task<Result<Response>> abort(Exchange& exchange) const;

  std::optional<FaultDelayConfig> delay_;
  std::optional<FaultAbortConfig> abort_;
  std::optional<expression::Expression> when_;
};

}  // namespace weir
