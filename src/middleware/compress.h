// compress: compresses responses for clients that take it.
#pragma once

#include "http/exchange.h"
#include "http/handler.h"
#include "middleware/compress_config.h"

namespace weir {

class CompressMiddleware final : public Middleware {
 public:
  explicit CompressMiddleware(const CompressConfig& config) : config_(config) {}
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  bool is_compressible(const Response& response) const;
  void compress(Exchange& exchange, Response& response, Coding coding) const;

  CompressConfig config_;
};

}  // namespace weir
