#include "middleware/maintenance.h"

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/error_response.h"
#include "http/grpc.h"

namespace weir {

MaintenanceMiddleware::MaintenanceMiddleware(const MaintenanceConfig& config,
                                             config::Diagnostics& diagnostics)
    : enabled_(config.enabled),
      retry_after_(
          std::to_string(std::chrono::ceil<std::chrono::seconds>(config.retry_after).count())) {
  if (!config.page->empty()) {
    page_ = HtmlPage::load(config.page, expression::Stage::response, diagnostics);
  }
  if (config.unless->empty()) return;
  auto compiled = expression::Expression::compile(*config.unless, expression::Stage::route);
  if (compiled) {
    unless_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.unless.position, diagnostics);
  }
}

Task<Result<Response>> MaintenanceMiddleware::handle(Exchange& exchange, Next next) const {
  if (!enabled_) return next(exchange);
  if (unless_ && unless_->evaluate(expression::ExchangeFacts(exchange))) return next(exchange);
  return refuse(exchange);
}

Task<Result<Response>> MaintenanceMiddleware::refuse(Exchange& exchange) const {
  Response response = error_response(exchange, 503, "maintenance",
                                     "This site is being worked on. Please come back soon.");
  if (grpc::is_call(exchange.request())) co_return response;
  response.headers.set(HeaderId::retry_after, retry_after_);
  if (page_ && wants_html(exchange)) {
    std::string text = page_->render(expression::ExchangeFacts(exchange, response));
    response.body = exchange.own<MemoryBody>(copy_slice(text));
  }
  co_return response;
}

}  // namespace weir
