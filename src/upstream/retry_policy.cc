#include "upstream/retry_policy.h"

namespace weir {

RetryPolicy retry_policy(const RetriesConfig& retries, const std::optional<HedgeConfig>& hedge) {
  RetryPolicy policy;
  policy.attempts = retries.attempts;
  policy.on = 0;
  for (RetryOn each : retries.on) policy.on |= static_cast<std::uint8_t>(each);
  for (std::uint16_t each : retries.statuses) policy.statuses.set(each - RetryPolicy::kFirstStatus);
  policy.on_responses = policy.statuses.any() || policy.has(RetryOn::grpc_unavailable);
  if (retries.backoff) {
    policy.backoff = retries.backoff->base;
    policy.most_backoff = retries.backoff->max;
  }
  policy.per_try = retries.per_try_timeout.value_or(Duration::zero());
  if (retries.budget) {
    policy.budget = RetryBudgetTerms{retries.budget->share, retries.budget->min_per_second};
  }
  if (retries.body_limit) policy.body_limit = retries.body_limit->bytes;
  if (hedge) {
    policy.hedge.after = hedge->after.value_or(Duration::zero());
    policy.hedge.percentile = hedge->percentile.value_or(0);
  }
  return policy;
}

}  // namespace weir
