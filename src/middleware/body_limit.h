// body_limit: refuses requests whose body is too large.
#pragma once

#include <cstdint>

#include "http/handler.h"
#include "middleware/body_limit_config.h"

namespace weir {

/// A length that is known is judged before anything reaches the origin; a body of unknown length
/// fails where it passes the limit. Both with `body_too_large`.
class BodyLimitMiddleware final : public Middleware {
 public:
  explicit BodyLimitMiddleware(const BodyLimitConfig& config) : most_(config.max.bytes) {}
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  std::uint64_t most_;
};

}  // namespace weir
