// cors: lets pages of other origins use what is behind it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/handler.h"
#include "middleware/cors_config.h"

namespace weir {

/// By the Fetch standard. An origin is named in an answer only if the configuration has it; the
/// answers say that they depend on it, so that no cache gives one origin's to another.
class CorsMiddleware final : public Middleware {
 public:
  explicit CorsMiddleware(const CorsConfig& config);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  /// `https://*.example`: what stands before and behind the star.
  struct Pattern {
    std::string before;
    std::string after;
  };

  bool allows(std::string_view origin) const;
  std::string_view origin_of(const Request& request) const;
  Task<Result<Response>> preflight(Exchange& exchange) const;
  Task<Result<Response>> pass(Exchange& exchange, Next next) const;
  void mark(Response& response, std::string_view origin) const;

  bool any_ = false;
  std::vector<std::string> exact_;
  std::vector<Pattern> patterns_;
  bool credentials_;
  bool private_network_;
  std::string methods_;
  std::string headers_;
  std::string expose_;
  std::string max_age_;
};

}  // namespace weir
