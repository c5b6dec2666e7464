// buffer: keeps slow clients from holding servers that answer one request at a time.
#pragma once

#include <memory>

#include "http/exchange.h"
#include "http/handler.h"
#include "middleware/buffer/spool.h"
#include "middleware/buffer_config.h"
#include "upstream/build_parts.h"

namespace weir {

/// Calls of gRPC and tunnels are not buffered: both sides of these talk while they last.
class BufferMiddleware final : public Middleware {
 public:
  BufferMiddleware(const BufferConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  SpoolLimits limits(const BufferLimitsConfig& of) const;
  Task<Status> store(Exchange& exchange) const;

  BufferConfig config_;
  std::shared_ptr<BufferUse> use_;
  mutable DiskBudget budget_;
};

}  // namespace weir
