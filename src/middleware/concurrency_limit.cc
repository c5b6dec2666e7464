#include "middleware/concurrency_limit.h"

#include <openssl/rand.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/error_response.h"

namespace weir {
namespace {

/// A place among those under way, until the exchange has ended; it may outlive the configuration.
class Place {
 public:
  Place(std::shared_ptr<RequestsUnderWay> among, std::uint64_t key)
      : among_(std::move(among)), key_(key) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { among_->leave(key_); }

 private:
  std::shared_ptr<RequestsUnderWay> among_;
  std::uint64_t key_;
};

}  // namespace

RequestsUnderWay::RequestsUnderWay() {
  RAND_bytes(reinterpret_cast<unsigned char*>(&seed_), sizeof seed_);
}

bool RequestsUnderWay::enter(std::uint64_t key, std::uint32_t max) {
  bool entered = counts_.with(key, {}, [max](std::int64_t& count) {
    if (count >= std::int64_t{max}) return false;
    ++count;
    return true;
  });
  if (!entered) refused_.fetch_add(1, std::memory_order_relaxed);
  return entered;
}

void RequestsUnderWay::leave(std::uint64_t key) {
  counts_.with(key, {}, [](std::int64_t& count) { return --count; });
}

ConcurrencyLimitMiddleware::ConcurrencyLimitMiddleware(const ConcurrencyLimitConfig& config,
                                                       const BuildParts& parts)
    : under_way_(
          parts.states.get<RequestsUnderWay>(config.name.empty() ? parts.place : config.name,
                                             [] { return std::make_shared<RequestsUnderWay>(); })),
      max_(config.max) {
  for (const auto& value : config.key) {
    auto added = key_.add(*value, expression::Stage::route);
    if (!added) report(added.error(), value.position, parts.diagnostics);
  }
  if (config.when->empty()) return;
  auto compiled = expression::Expression::compile(*config.when, expression::Stage::route);
  if (compiled) {
    when_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.when.position, parts.diagnostics);
  }
}

Task<Result<Response>> ConcurrencyLimitMiddleware::handle(Exchange& exchange, Next next) const {
  expression::ExchangeFacts facts(exchange);
  if (when_ && !when_->evaluate(facts)) return next(exchange);
  std::uint64_t key = key_.hash(facts, under_way_->seed());
  if (!under_way_->enter(key, max_)) return refuse(exchange);
  exchange.own<Place>(under_way_, key);
  return next(exchange);
}

Task<Result<Response>> ConcurrencyLimitMiddleware::refuse(Exchange& exchange) {
  exchange.outcome().error = Error(ErrorCode::in_flight_limited);
  Response response = error_response(exchange, exchange.outcome().error);
  response.headers.set("Retry-After", "1");
  co_return response;
}

}  // namespace weir
