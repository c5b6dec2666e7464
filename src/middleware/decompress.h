// decompress: decompresses responses for clients that cannot.
#pragma once

#include "http/content_coding.h"
#include "http/exchange.h"
#include "http/handler.h"
#include "middleware/decompress_config.h"

namespace weir {

class DecompressMiddleware final : public Middleware {
 public:
  explicit DecompressMiddleware(const DecompressConfig& config) : config_(config) {}
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  void decompress(Exchange& exchange, Response& response, Coding coding) const;

  DecompressConfig config_;
};

}  // namespace weir
