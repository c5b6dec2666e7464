#include "middleware/rate_limit/shared.h"

#include <fmt/format.h>

#include "expression/exchange_facts.h"

namespace weir {
namespace {

constexpr std::int64_t kMicrosecond = 1000;

// GCRA in microseconds, which a number of Lua holds exactly until the year 2255. A key expires when
// its budget is whole. What is left of an interval's fraction is less than the microsecond allowed.
const RedisScript& script() {
  static const RedisScript script(R"lua(
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval = tonumber(ARGV[1])
local window = interval * ARGV[2]
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
local from = math.max(now, math.min(full, now + window))
local next = from + interval
local over = next - now - window
local allowed = over <= 1
local keep = allowed and next or from
if allowed or from < full then
  redis.call('SET', KEYS[1], string.format('%.3f', keep), 'PX', math.ceil((keep - now) / 1000))
end
if allowed then return {1, next - now, 0} end
return {0, from - now, math.ceil(over)}
)lua");
  return script;
}

}  // namespace

Task<Result<Gcra::Answer>> SharedBudgets::take(Exchange& exchange, const Gcra& rate,
                                               const expression::BudgetKey& key) const {
  auto digest = key.digest(expression::ExchangeFacts(exchange), scope_);
  std::string name = fmt::format("weir:{}", std::string_view(digest.data(), digest.size()));
  std::string interval =
      fmt::format("{}.{:03}", rate.interval / kMicrosecond, rate.interval % kMicrosecond);
  std::string burst = std::to_string(rate.burst);
  std::string_view arguments[] = {interval, burst};
  Result<RedisReply> reply =
      co_await store_->run(exchange.loop(), script(), name, arguments, exchange.stop());
  if (!reply) co_return fail(reply.error());
  auto allowed = reply->integer(0), used = reply->integer(1), wait = reply->integer(2);
  if (!allowed || !used || !wait) {
    co_return fail(ErrorCode::unreachable, Origin::weir, "the store does not know the script");
  }
  co_return Gcra::Answer{*allowed == 1, *used * kMicrosecond, *wait * kMicrosecond};
}

}  // namespace weir
