#include "middleware/early_hints.h"

#include "http/exchange.h"

namespace weir {
namespace {

bool may_follow_a_page(const Request& request) {
  if (request.method != Method::get || request.version == Version::http_1_0) return false;
  if (!request.upgrade.empty()) return false;
  const Header* mode = request.headers.find("Sec-Fetch-Mode");
  return mode == nullptr || iequals(mode->value(), "navigate");
}

}  // namespace

Task<Result<Response>> EarlyHintsMiddleware::handle(Exchange& exchange, Next next) const {
  // Null for an exchange without a client.
  if (exchange.interim_sink == nullptr || !may_follow_a_page(exchange.request())) {
    return next(exchange);
  }
  return hint(exchange, next);
}

// The texts live as long as the configuration, which the exchange keeps.
Task<Result<Response>> EarlyHintsMiddleware::hint(Exchange& exchange, Next next) const {
  Response hints(exchange.arena());
  hints.status = 103;
  for (const std::string& link : links_) hints.headers.add("Link", link);
  Status sent = co_await exchange.interim_sink->send_interim(hints);
  if (!sent) co_return fail(sent.error());
  co_return co_await next(exchange);
}

}  // namespace weir
