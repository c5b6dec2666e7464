#include "middleware/fault.h"

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/error_response.h"

namespace weir {
namespace {

bool drawn(Exchange& exchange, double percent) {
  return exchange.loop().random().unit() * 100 < percent;
}

}  // namespace

void FaultConfig::check(const config::Found& found) const {
  if (delay || abort) return;
  found.error("delay", config::Code::missing_key, "a fault needs a \"delay\" or an \"abort\"",
              "write `delay: 2s`, `abort: 503`, or both");
}

FaultMiddleware::FaultMiddleware(const FaultConfig& config, config::Diagnostics& diagnostics)
    : delay_(config.delay), abort_(config.abort) {
  if (config.when->empty()) return;
  auto compiled = expression::Expression::compile(*config.when, expression::Stage::route);
  if (compiled) {
    when_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.when.position, diagnostics);
  }
}

Task<Result<Response>> FaultMiddleware::handle(Exchange& exchange, Next next) const {
  if (when_ && !when_->evaluate(expression::ExchangeFacts(exchange))) return next(exchange);
  bool aborts = abort_ && drawn(exchange, abort_->percent);
  if (delay_ && drawn(exchange, delay_->percent)) return delay(exchange, next, aborts);
  return aborts ? abort(exchange) : next(exchange);
}

Task<Result<Response>> FaultMiddleware::delay(Exchange& exchange, Next next, bool aborts) const {
  Status waited = co_await exchange.loop().sleep_for(delay_->time, exchange.stop());
  if (!waited) co_return fail(waited.error());
  if (aborts) co_return co_await abort(exchange);
  exchange.at_end([](Exchange& ended) {
    Error& error = ended.outcome().error;
    if (error.code == ErrorCode::none) error = Error(ErrorCode::fault_delay);
  });
  co_return co_await next(exchange);
}

Task<Result<Response>> FaultMiddleware::abort(Exchange& exchange) const {
  exchange.outcome().error = Error(ErrorCode::fault_abort);
  co_return error_response(exchange, abort_->status, name(ErrorCode::fault_abort),
                           "This error was made on purpose, to see what happens then.");
}

}  // namespace weir
