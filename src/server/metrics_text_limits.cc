// ProcessStatus::metrics: limits.
#include "server/metrics_text.h"
#include "store/redis.h"

namespace weir {

void ProcessStatus::Text::rate_limits() {
  out_.family(metrics::rate_limit_requests);
  for (const auto& [limit, budgets] : view_.rate_budgets) {
    for (std::size_t i = 0; i < kRateLimitResults; ++i) {
      auto result = static_cast<RateLimitResult>(i);
      std::uint64_t count = budgets->counted(result);
      if (count > 0) out_.sample({{"limit", limit}, {"result", name(result)}}, count);
    }
  }
  out_.family(metrics::rate_limit_keys);
  for (const auto& [limit, budgets] : view_.rate_budgets) {
    out_.sample({{"limit", limit}}, std::uint64_t{budgets->keys()});
  }
  out_.family(metrics::rate_limit_evictions);
  for (const auto& [limit, budgets] : view_.rate_budgets) {
    out_.sample({{"limit", limit}}, budgets->full_at.evicted());
  }
  concurrency();
}

void ProcessStatus::Text::concurrency() {
  out_.family(metrics::concurrency_under_way);
  for (const auto& [limit, requests] : view_.concurrency) {
    out_.sample({{"limit", limit}}, std::uint64_t{requests->keys()});
  }
  out_.family(metrics::concurrency_refused);
  for (const auto& [limit, requests] : view_.concurrency) {
    out_.sample({{"limit", limit}}, requests->refused());
  }
  out_.family(metrics::bandwidth_waits);
  for (const auto& [limit, budgets] : view_.bandwidth) {
    out_.sample({{"limit", limit}}, budgets->waits.load(std::memory_order_relaxed));
  }
}

void ProcessStatus::Text::stores() {
  out_.family(metrics::store_calls);
  for (const auto& store : view_.stores) {
    const RedisCounters& counters = store->counters();
    Label label{"store", store->name()};
    out_.sample({label, {"result", "answered"}}, counters.answered.load(std::memory_order_relaxed));
    out_.sample({label, {"result", "failed"}}, counters.failed.load(std::memory_order_relaxed));
  }
  out_.family(metrics::store_connections);
  for (const auto& store : view_.stores) {
    out_.sample({{"store", store->name()}},
                std::uint64_t{store->counters().connections.load(std::memory_order_relaxed)});
  }
}

}  // namespace weir
