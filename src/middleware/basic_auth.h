// basic_auth: asks clients for a user name and a password.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/handler.h"
#include "middleware/basic_auth/credentials.h"
#include "middleware/basic_auth/failure_limit.h"
#include "middleware/basic_auth/password_file.h"
#include "middleware/basic_auth_config.h"
#include "upstream/build_parts.h"

namespace weir {

class BasicAuthMemory;
class Offload;

/// A password that is remembered costs a digest; any other is compared on a helper thread, and the
/// request waits. Users that do not exist take as long as others.
class BasicAuthMiddleware final : public Middleware {
 public:
  BasicAuthMiddleware(const BasicAuthConfig& config, const BuildParts& parts);
  ~BasicAuthMiddleware() override;
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  struct Claim;

  std::optional<Claim> claim_of(const Request& request) const;
  bool remembers(Exchange& exchange, const Claim& claim) const;
  void let_in(Exchange& exchange, const Claim& claim) const;
  Task<Result<Response>> ask(Exchange& exchange, Next next, std::optional<Claim> claim) const;
  Task<Result<bool>> judge(Exchange& exchange, const Claim& claim) const;
  Task<Result<bool>> compare(Exchange& exchange, const Claim& claim) const;
  Response challenge(Exchange& exchange) const;

  std::optional<PasswordFile> users_;
  std::shared_ptr<BasicAuthMemory> memory_;
  std::shared_ptr<Offload> threads_;
  std::string challenge_;
  std::string user_header_;  // empty: none
  Duration remember_;
  std::optional<FailureLimit::Terms> failures_;
};

}  // namespace weir
