#include "middleware/rate_limit.h"

#include <algorithm>
#include <charconv>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/error_response.h"
#include "middleware/rate_limit/declared.h"

namespace weir {
namespace {

// In whole seconds, so that who comes then is let in.
std::string_view retry_after(Arena& arena, const Gcra::Answer& answer) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::size_t kMost = 20;
  char* digits = arena.allocate(kMost);
  auto seconds = std::max<std::int64_t>(1, (answer.wait + kSecond - 1) / kSecond);
  char* end = std::to_chars(digits, digits + kMost, seconds).ptr;
  return {digits, static_cast<std::size_t>(end - digits)};
}

}  // namespace

RateLimitMiddleware::RateLimitMiddleware(const RateLimitUseConfig& config, const BuildParts& parts)
    : limit_(config.limit->empty()
                 ? std::make_shared<RateLimit>(config, "default", parts.place, parts)
                 : declared<RateLimit>(config.limit, "limit", "rate_limits", parts)) {
  if (config.when->empty()) return;
  auto compiled = expression::Expression::compile(*config.when, expression::Stage::route);
  if (compiled) {
    when_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.when.position, parts.diagnostics);
  }
}

Task<Result<Response>> RateLimitMiddleware::handle(Exchange& exchange, Next next) const {
  if (when_ && !when_->evaluate(expression::ExchangeFacts(exchange))) return next(exchange);
  if (limit_->shared()) return ask_store(exchange, next);
  return go_by(exchange, next, limit_->take(exchange));
}

Task<Result<Response>> RateLimitMiddleware::ask_store(Exchange& exchange, Next next) const {
  Result<Gcra::Answer> answer = co_await limit_->take_shared(exchange);
  if (answer) co_return co_await go_by(exchange, next, *answer);
  if (exchange.stop().stopped()) co_return fail(answer.error());
  co_return fail(ErrorCode::store_unavailable, Origin::weir, name(answer.error().code));
}

Task<Result<Response>> RateLimitMiddleware::go_by(Exchange& exchange, Next next,
                                                  Gcra::Answer answer) const {
  if (!answer.allowed && !limit_->shadow()) return refuse(exchange, answer);
  return limit_->has_fields() ? go_on(exchange, next, answer) : next(exchange);
}

Task<Result<Response>> RateLimitMiddleware::go_on(Exchange& exchange, Next next,
                                                  Gcra::Answer answer) const {
  Result<Response> response = co_await next(exchange);
  if (response) limit_->add_fields(exchange, answer, response->headers);
  co_return response;
}

Task<Result<Response>> RateLimitMiddleware::refuse(Exchange& exchange, Gcra::Answer answer) const {
  exchange.outcome().error = Error(ErrorCode::rate_limited);
  Response response = error_response(exchange, exchange.outcome().error);
  response.headers.set("Retry-After", retry_after(exchange.arena(), answer));
  if (limit_->has_fields()) limit_->add_fields(exchange, answer, response.headers);
  co_return response;
}

}  // namespace weir
