#include "middleware/bandwidth.h"

#include <algorithm>

#include <openssl/rand.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/exchange.h"

namespace weir {
namespace {

constexpr std::size_t kMostAtOnce = 64 * 1024;
constexpr std::size_t kLeastAtOnce = 512;
constexpr std::size_t kMostKeys = 1'000'000;

/// A body that is read no faster than its pace. What it passes on is always in memory: the reader
/// must take it piece by piece.
class PacedBody final : public Body {
 public:
  PacedBody(Exchange& exchange, Body& origin, const BytePace& pace,
            std::shared_ptr<ByteBudgets> budgets, std::uint64_t key)
      : exchange_(exchange),
        origin_(origin),
        pace_(pace),
        budgets_(std::move(budgets)),
        key_(key),
        // Some fifty pieces in a second, so that it flows rather than drips.
        most_(std::clamp<std::uint64_t>(pace.per_second / 50, kLeastAtOnce, kMostAtOnce)) {}

  Task<Result<Slice>> read() override {
    if (pending_.empty()) {
      Result<Slice> got = co_await origin_.read();
      if (!got || got->empty()) co_return got;
      pending_ = std::move(*got);
    }
    std::size_t size = std::min<std::size_t>(pending_.size(), most_);
    Duration wait = take(size, Duration::max());
    if (wait > Duration::zero()) {
      if (budgets_) budgets_->waits.fetch_add(1, std::memory_order_relaxed);
      Status slept = co_await exchange_.loop().sleep_for(wait, exchange_.stop());
      if (!slept) co_return fail(slept.error());
    }
    co_return pending_.take(size);
  }

  std::optional<Slice> try_read() override {
    if (pending_.empty()) {
      std::optional<Slice> got = origin_.try_read();
      if (!got || got->empty()) return got;
      pending_ = std::move(*got);
    }
    std::size_t size = std::min<std::size_t>(pending_.size(), most_);
    if (take(size, Duration::zero()) > Duration::zero()) return std::nullopt;
    return pending_.take(size);
  }

  std::optional<std::uint64_t> length() const override { return origin_.length(); }
  const Headers* trailers() const override { return origin_.trailers(); }

 private:
  Duration take(std::size_t bytes, Duration patience) {
    TimePoint now = exchange_.loop().now();
    if (!budgets_) return pace_.take(full_at_, now, bytes, patience);
    return budgets_->full_at.with(
        key_, {.floor = now.time_since_epoch().count(), .max_keys = kMostKeys},
        [&](std::int64_t& full_at) { return pace_.take(full_at, now, bytes, patience); });
  }

  Exchange& exchange_;
  Body& origin_;
  const BytePace pace_;
  const std::shared_ptr<ByteBudgets> budgets_;
  const std::uint64_t key_;
  const std::uint64_t most_;
  std::int64_t full_at_ = 0;
  Slice pending_;
};

BytePace pace_of(const BandwidthConfig& config) {
  std::uint64_t rate = std::max<std::uint64_t>(config.per_second.bytes, 1);
  std::uint64_t burst =
      config.burst ? config.burst->bytes : std::max<std::uint64_t>(rate / 10, 16384);
  return {rate, burst};
}

}  // namespace

std::int64_t BytePace::time_of(std::uint64_t bytes) const {
  constexpr unsigned __int128 kSecond = 1'000'000'000;
  return static_cast<std::int64_t>((bytes * kSecond + per_second - 1) / per_second);
}

Duration BytePace::take(std::int64_t& full_at, TimePoint now, std::uint64_t bytes,
                        Duration patience) const {
  std::int64_t time = now.time_since_epoch().count();
  std::int64_t next = std::max(full_at, time) + time_of(bytes);
  Duration wait(std::max<std::int64_t>(0, next - time_of(std::max(burst, bytes)) - time));
  if (wait <= patience) full_at = next;
  return wait;
}

ByteBudgets::ByteBudgets() { RAND_bytes(reinterpret_cast<unsigned char*>(&seed_), sizeof seed_); }

BandwidthMiddleware::BandwidthMiddleware(const BandwidthConfig& config, const BuildParts& parts)
    : pace_(pace_of(config)) {
  if (!config.key.empty()) {
    budgets_ = parts.states.get<ByteBudgets>(config.name.empty() ? parts.place : config.name,
                                             [] { return std::make_shared<ByteBudgets>(); });
  }
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

Task<Result<Response>> BandwidthMiddleware::handle(Exchange& exchange, Next next) const {
  if (when_ && !when_->evaluate(expression::ExchangeFacts(exchange))) return next(exchange);
  return slow_down(exchange, next);
}

Task<Result<Response>> BandwidthMiddleware::slow_down(Exchange& exchange, Next next) const {
  std::uint64_t key =
      budgets_ ? key_.hash(expression::ExchangeFacts(exchange), budgets_->seed()) : 0;
  Result<Response> response = co_await next(exchange);
  if (response && response->body != nullptr) {
    response->body = exchange.own<PacedBody>(exchange, *response->body, pace_, budgets_, key);
  }
  co_return response;
}

}  // namespace weir
