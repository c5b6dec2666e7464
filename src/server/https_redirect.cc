#include "server/https_redirect.h"

#include "http/exchange.h"

namespace weir {

HttpsRedirect::HttpsRedirect(std::uint16_t port)
    : port_(port == 443 ? std::string() : ":" + std::to_string(port)) {}

Task<Result<Response>> HttpsRedirect::handle(Exchange& exchange) const {
  const Request& request = exchange.request();
  if (request.target.form == TargetForm::authority) {
    co_return fail(ErrorCode::unsupported, Origin::client, "CONNECT");
  }
  if (request.authority.host.empty()) {
    co_return fail(ErrorCode::bad_host, Origin::client, "no host to send the client to");
  }
  // OPTIONS * is for the whole server: its address has no path (RFC 9112, 3.2.4).
  bool whole = request.target.form == TargetForm::asterisk;
  std::string_view target = whole ? std::string_view() : request.target.path_query;
  Response response(exchange.arena());
  response.status = 308;
  response.headers.add(
      HeaderId::location,
      exchange.arena().concat({"https://", request.authority.host, port_, target}));
  response.body = exchange.own<MemoryBody>(Slice());
  co_return response;
}

}  // namespace weir
