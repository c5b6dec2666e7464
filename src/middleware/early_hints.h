// early_hints: tells browsers what a page will need while the page is being made.
#pragma once

#include "http/handler.h"
#include "middleware/early_hints_config.h"

namespace weir {

/// Sends 103 (RFC 8297) before the request goes on. Only where a page may follow: to GET, over
/// HTTP/1.1 or later, and not to a browser that says that it asks for something else than a page.
class EarlyHintsMiddleware final : public Middleware {
 public:
  explicit EarlyHintsMiddleware(const EarlyHintsConfig& config) : links_(config.links) {}
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<Response>> hint(Exchange& exchange, Next next) const;

  std::vector<std::string> links_;
};

}  // namespace weir
