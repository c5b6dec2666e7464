#include "handler/redirect.h"

#include "expression/header_edits.h"

namespace weir {

Redirect::Redirect(const RedirectConfig& config, config::Diagnostics& diagnostics)
    : status_(config.status) {
  auto compiled = expression::Template::compile(*config.to, expression::Stage::route,
                                                expression::Escape::header);
  if (compiled) {
    to_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.to.position, diagnostics);
  }
}

Task<Result<Response>> Redirect::handle(Exchange& exchange) const {
  std::string location;
  if (!to_->append_to(location, expression::ExchangeFacts(exchange))) {
    co_return fail(ErrorCode::parse, Origin::client, "a value cannot be part of a Location");
  }
  Response response(exchange.arena());
  response.status = status_;
  response.headers.add(HeaderId::location, exchange.arena().copy(location));
  response.body = exchange.own<MemoryBody>(Slice());
  co_return response;
}

}  // namespace weir
