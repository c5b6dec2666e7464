// forward_auth: asks another upstream whether a request may go on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "http/handler.h"
#include "middleware/forward_auth_config.h"
#include "upstream/build_parts.h"

namespace weir {

class DerivedExchange;

/// The question is a request of its own: another exchange, another connection, no body, so that
/// nothing of the client's message can be read as a second one. Fails closed.
class ForwardAuthMiddleware final : public Middleware {
 public:
  /// Of the body of an answer that the client gets; `auth_unavailable` above.
  static constexpr std::size_t kMostBytes = 1 << 20;

  ForwardAuthMiddleware(const ForwardAuthConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  Task<Result<std::optional<Response>>> ask(Exchange& exchange, DerivedExchange& question) const;
  void take(const Response& answer, Request& request) const;

  std::shared_ptr<const Upstream> upstream_;
  std::string target_;
  std::vector<std::string> copy_;
  Duration timeout_;
};

}  // namespace weir
