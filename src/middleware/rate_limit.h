// rate_limit: refuses requests above a rate for each client, or another key.
#pragma once

#include <memory>
#include <optional>

#include "expression/expression.h"
#include "http/handler.h"
#include "middleware/rate_limit/limit.h"
#include "middleware/rate_limit_config.h"

namespace weir {

class RateLimitMiddleware final : public Middleware {
 public:
  RateLimitMiddleware(const RateLimitUseConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<Response>> ask_store(Exchange& exchange, Next next) const;
  Task<Result<Response>> go_by(Exchange& exchange, Next next, Gcra::Answer answer) const;
  Task<Result<Response>> go_on(Exchange& exchange, Next next, Gcra::Answer answer) const;
  Task<Result<Response>> refuse(Exchange& exchange, Gcra::Answer answer) const;

  std::shared_ptr<RateLimit> limit_;  // null only after an error in the configuration
  std::optional<expression::Expression> when_;
};

}  // namespace weir
