#include "cluster/endpoint_set.h"

#include <algorithm>
#include <limits>

namespace weir {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNotKnownYet = std::numeric_limits<std::int64_t>::max();

}  // namespace

void EndpointSet::prepare(const BalancePolicy& policy) {
  auto count = static_cast<std::uint32_t>(endpoints.size());
  groups_[0] = {0, regular, nullptr};
  groups_[1] = {regular, count - regular, nullptr};
  for (Group& group : groups_) {
    if (group.count == 0) continue;
    group.balancer = make_balancer(policy, view(group, Duration::zero()));
  }
  slow_start_ = policy.slow_start;
  warm_at_ = slow_start_ == Duration::zero() ? kNever : kNotKnownYet;
}

EndpointGroup EndpointSet::view(const Group& group, Duration slow_start) const {
  return {std::span(endpoints).subspan(group.first, group.count),
          std::span(weights).subspan(group.first, group.count), group.first, slow_start};
}

std::optional<std::uint32_t> EndpointSet::pick(PickFacts facts) const {
  Duration slow_start = warming(facts.now) ? slow_start_ : Duration::zero();
  for (const Group& group : groups_) {
    if (group.count == 0) continue;
    if (auto index = group.balancer->pick(view(group, slow_start), facts)) {
      return group.first + *index;
    }
  }
  return std::nullopt;
}

// The first pick from the set is when its new endpoints are taken into use.
bool EndpointSet::warming(TimePoint now) const {
  std::int64_t until = warm_at_.load(std::memory_order_relaxed);
  if (until == kNotKnownYet) {
    until = kNever;
    for (const auto& endpoint : endpoints) {
      until = std::max(until, endpoint->begin_slow_start(now, slow_start_));
    }
    warm_at_.store(until, std::memory_order_relaxed);
  }
  return now.time_since_epoch().count() < until;
}

}  // namespace weir
