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
  groups_[0].count = regular;
  groups_[1].first = regular;
  groups_[1].count = count - regular;
  for (Group& group : groups_) {
    if (group.count == 0) continue;
    group.balancer = make_balancer(policy, view(group, Duration::zero()));
  }
  slow_start_ = policy.slow_start;
  availability_changed();
}

void EndpointSet::availability_changed() const {
  for (const Group& group : groups_) {
    auto members = std::span(endpoints).subspan(group.first, group.count);
    auto count = std::ranges::count_if(members, [](const auto& each) { return each->available(); });
    group.available.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  }
  warm_at_ = slow_start_ == Duration::zero() ? kNever : kNotKnownYet;
}

EndpointGroup EndpointSet::view(const Group& group, Duration slow_start) const {
  return {std::span(endpoints).subspan(group.first, group.count),
          std::span(weights).subspan(group.first, group.count), group.first, slow_start};
}

std::optional<std::uint32_t> EndpointSet::pick(PickFacts facts) const {
  Duration slow_start = warming(facts.now) ? slow_start_ : Duration::zero();
  bool any = std::ranges::any_of(groups_, [](const Group& group) {
    return group.available.load(std::memory_order_relaxed) > 0;
  });
  for (const Group& group : groups_) {
    if (auto index = pick_from(group, slow_start, !any, facts)) return index;
  }
  return std::nullopt;
}

// `whatever`: also of endpoints that are not available.
std::optional<std::uint32_t> EndpointSet::pick_from(const Group& group, Duration slow_start,
                                                    bool whatever, PickFacts& facts) const {
  std::uint32_t available = group.available.load(std::memory_order_relaxed);
  if (group.count == 0 || (available == 0 && !whatever)) return std::nullopt;
  EndpointGroup members = view(group, slow_start);
  members.all_available = whatever || available == group.count;
  std::optional<std::uint32_t> index = group.balancer->pick(members, facts);
  if (index) *index += group.first;
  return index;
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
