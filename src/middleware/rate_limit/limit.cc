#include "middleware/rate_limit/limit.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <openssl/rand.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "middleware/rate_limit/declared.h"

namespace weir {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t seconds_up(std::int64_t nanoseconds) { return (nanoseconds + kSecond - 1) / kSecond; }

// Rounded up: rather a little slower than faster than what was asked for.
Gcra gcra_of(const RateLimitConfig& config) {
  if (!config.rate || config.rate->count == 0) return {};
  auto count = static_cast<std::int64_t>(config.rate->count);
  std::int64_t interval = (config.rate->per.count() + count - 1) / count;
  return {interval, config.burst ? static_cast<std::int64_t>(*config.burst) : count};
}

}  // namespace

std::string_view name(RateLimitResult result) {
  switch (result) {
    case RateLimitResult::allowed: return "allowed";
    case RateLimitResult::limited: return "limited";
    case RateLimitResult::shadowed: return "shadowed";
    case RateLimitResult::denied: return "denied";
  }
  return "unknown";
}

RateBudgets::RateBudgets() { RAND_bytes(reinterpret_cast<unsigned char*>(&seed_), sizeof seed_); }

void RateBudgets::tend(TimePoint now) {
  std::int64_t floor = now.time_since_epoch().count();
  tended_.store(floor, std::memory_order_relaxed);
  full_at.sweep(floor);
}

std::uint64_t RateBudgets::counted(RateLimitResult result) const {
  std::uint64_t sum = 0;
  for (const Counts& each : counts_) {
    sum += each.of[static_cast<std::size_t>(result)].load(std::memory_order_relaxed);
  }
  return sum;
}

RateLimit::RateLimit(const RateLimitConfig& config, std::string label, const std::string& name,
                     const BuildParts& parts)
    : rate_(gcra_of(config)),
      budgets_(parts.states.get<RateBudgets>(name, [] { return std::make_shared<RateBudgets>(); })),
      on_failure_(config.on_failure),
      max_keys_(config.max_keys),
      has_fields_(config.headers && !config.shadow),
      shadow_(config.shadow),
      label_(fmt::format("\"{}\"", label)),
      policy_(fmt::format("{};q={};w={}", label_, rate_.burst, seconds_up(rate_.window()))) {
  for (const auto& value : config.key) {
    auto added = key_.add(*value, expression::Stage::route);
    if (!added) report(added.error(), value.position, parts.diagnostics);
  }
  if (config.store->empty()) return;
  if (auto store = declared<RedisStore>(config.store, "store", "stores", parts)) {
    shared_.emplace(std::move(store), name);
  }
}

Gcra::Answer RateLimit::take(Exchange& exchange) const {
  std::int64_t now = exchange.loop().now().time_since_epoch().count();
  std::uint64_t key = key_.hash(expression::ExchangeFacts(exchange), budgets_->seed());
  return count(exchange, budgets_->full_at.with(
                             key, {.floor = now, .max_keys = max_keys_},
                             [&](std::int64_t& full_at) { return rate_.take(full_at, now); }));
}

Task<Result<Gcra::Answer>> RateLimit::take_shared(Exchange& exchange) const {
  Result<Gcra::Answer> answer = co_await shared_->take(exchange, rate_, key_);
  if (answer) co_return count(exchange, *answer);
  if (exchange.stop().stopped()) co_return fail(exchange.stop().reason());
  if (on_failure_ == StoreFailure::local) co_return take(exchange);
  if (on_failure_ == StoreFailure::allow || shadow_) {
    co_return count(exchange, {.allowed = true});
  }
  budgets_->count(exchange.loop().index(), RateLimitResult::denied);
  co_return fail(answer.error());
}

Gcra::Answer RateLimit::count(Exchange& exchange, Gcra::Answer answer) const {
  budgets_->count(exchange.loop().index(), answer.allowed ? RateLimitResult::allowed
                                           : shadow_      ? RateLimitResult::shadowed
                                                          : RateLimitResult::limited);
  return answer;
}

void RateLimit::add_fields(Exchange& exchange, const Gcra::Answer& answer, Headers& headers) const {
  constexpr std::size_t kMost = 64;
  char* text = exchange.arena().allocate(label_.size() + kMost);
  char* end = std::ranges::copy(label_, text).out;
  auto put = [&](std::string_view name, std::int64_t number) {
    end = std::ranges::copy(name, end).out;
    end = std::to_chars(end, end + 20, number).ptr;
  };
  put(";r=", rate_.left(answer));
  put(";t=", seconds_up(answer.used));
  headers.add("RateLimit-Policy", policy_);
  headers.add("RateLimit", std::string_view(text, static_cast<std::size_t>(end - text)));
}

std::shared_ptr<RateLimit> declare_rate_limit(const std::string& name,
                                              const RateLimitConfig& config,
                                              const BuildParts& parts) {
  auto limit = std::make_shared<RateLimit>(config, name, name, parts);
  return parts.declared.get<RateLimit>(name, [&] { return limit; });
}

}  // namespace weir
