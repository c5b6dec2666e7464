// AdminGate: who may use the admin listener, and from where.
#pragma once

#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "http/handler.h"
#include "server/admin_config.h"

namespace weir {

/// In front of what answers on the admin listener. Without a token or a client certificate the
/// address is all that protects it, so browsers are kept from being used against it: by pages whose
/// name resolves to this machine (the Host must be an IP address or localhost), and by forms and
/// scripts of other sites (what changes anything must be JSON, and not come from another origin).
/// No answer has CORS fields. The files of the dashboard hold nothing and need no token.
class AdminGate final : public Handler {
 public:
  /// Reads the token's file; what is wrong with it goes to `diagnostics`. `admin` outlives the
  /// gate.
  AdminGate(const AdminConfig& config, const Handler& admin, config::Diagnostics& diagnostics);

  /// Errors of its own: 401 `auth_required`, 403 `read_only` and `cross_origin`, 415
  /// `json_required`, 421 `bad_host`.
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  struct No {
    std::uint16_t status;
    std::string_view code;
    std::string_view message;
  };
  std::optional<No> judge(const Request& request) const;
  std::optional<No> judge_change(const Request& request) const;
  bool knows_token(const Request& request) const;

  const Handler& admin_;
  std::string token_;  // empty: none is asked for
  bool any_host_;      // what protects it is not where clients are
  bool read_only_;
};

/// What a token's file says, or why it is none.
std::expected<std::string, std::string> read_admin_token(const std::string& path);

}  // namespace weir
