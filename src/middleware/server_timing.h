// server_timing: tells the client how long its response took.
#pragma once

#include "http/handler.h"
#include "middleware/server_timing_config.h"

namespace weir {

/// Server Timing of W3C; durations in milliseconds, until the head of the response. What the origin
/// says itself stays before it.
class ServerTimingMiddleware final : public Middleware {
 public:
  explicit ServerTimingMiddleware(const ServerTimingConfig& config) : trace_(config.trace) {}
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  std::string_view value_for(Exchange& exchange) const;

  bool trace_;
};

}  // namespace weir
