#include "middleware/security_headers.h"

namespace weir {

SecurityHeadersMiddleware::SecurityHeadersMiddleware(const SecurityHeadersConfig& config) {
  if (config.nosniff) add("X-Content-Type-Options", "nosniff");
  if (config.frames == FrameOptions::deny) add("X-Frame-Options", "DENY");
  if (config.frames == FrameOptions::same_origin) add("X-Frame-Options", "SAMEORIGIN");
  add("Referrer-Policy", config.referrer_policy);
  add("Content-Security-Policy", config.content_security_policy);
  add("Permissions-Policy", config.permissions_policy);
}

void SecurityHeadersMiddleware::add(std::string_view name, std::string value) {
  if (!value.empty()) fields_.emplace_back(name, std::move(value));
}

// The texts live as long as the configuration, which the exchange keeps.
Task<Result<Response>> SecurityHeadersMiddleware::handle(Exchange& exchange, Next next) const {
  Result<Response> response = co_await next(exchange);
  if (response) {
    for (const auto& [name, value] : fields_) {
      if (!response->headers.has(name)) response->headers.add(name, value);
    }
  }
  co_return response;
}

}  // namespace weir
