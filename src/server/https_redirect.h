// Sends every client of a listener in clear to the same address over HTTPS.
#pragma once

#include <string>

#include "http/handler.h"

namespace weir {

class HttpsRedirect final : public Handler {
 public:
  /// `port`: where HTTPS is served.
  explicit HttpsRedirect(std::uint16_t port);
  /// 308, with a Location made of the checked parts of the request. Errors: bad_host for a request
  /// that names no host, unsupported for CONNECT.
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  std::string port_;  // with its colon; empty for 443
};

}  // namespace weir
