#include "handler/respond.h"

#include "http/exchange.h"

namespace weir {

Respond::Respond(const RespondConfig& config) : status_(config.status), body_(config.body) {
  if (!body_.empty() && !config.content_type.empty()) {
    headers_.emplace_back("Content-Type", config.content_type);
  }
  for (const auto& header : config.headers) headers_.emplace_back(header.name, *header.value);
}

Task<Result<Response>> Respond::handle(Exchange& exchange) const {
  Response response(exchange.arena());
  response.status = status_;
  for (const auto& [name, value] : headers_) response.headers.add(name, value);
  // The configuration outlives the exchange, and so the text its body.
  response.body = exchange.own<MemoryBody>(Slice::unowned(body_));
  co_return response;
}

}  // namespace weir
