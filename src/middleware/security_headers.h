// security_headers: response fields that make browsers careful.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "http/handler.h"
#include "middleware/security_headers_config.h"

namespace weir {

/// Adds what a response does not say itself.
class SecurityHeadersMiddleware final : public Middleware {
 public:
  explicit SecurityHeadersMiddleware(const SecurityHeadersConfig& config);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  void add(std::string_view name, std::string value);

  std::vector<std::pair<std::string_view, std::string>> fields_;
};

}  // namespace weir
