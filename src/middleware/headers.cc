#include "middleware/headers.h"

#include "http/exchange.h"
#include "http/h1/framing.h"

namespace weir {

HeadersMiddleware::HeadersMiddleware(const HeadersConfig& config, config::Diagnostics& diagnostics)
    : request_(config.request, expression::Stage::route, diagnostics),
      response_(config.response, expression::Stage::response, diagnostics) {}

Task<Result<Response>> HeadersMiddleware::handle(Exchange& exchange, Next next) const {
  if (!request_.empty()) {
    // Before: the client's Connection must not have fields removed that are set here.
    h1::remove_hop_by_hop(exchange.request().headers);
    request_.apply(exchange.request().headers, expression::ExchangeFacts(exchange));
  }
  if (response_.empty()) return next(exchange);
  return edit_response(exchange, next);
}

Task<Result<Response>> HeadersMiddleware::edit_response(Exchange& exchange, Next next) const {
  Result<Response> response = co_await next(exchange);
  if (response) {
    response_.apply(response->headers, expression::ExchangeFacts(exchange, *response));
  }
  co_return response;
}

}  // namespace weir
