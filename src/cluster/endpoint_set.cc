#include "cluster/endpoint_set.h"

#include <algorithm>
#include <limits>

namespace weir {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNotKnownYet = std::numeric_limits<std::int64_t>::max();

}  // namespace

void EndpointSet::prepare(const BalancePolicy& policy,
                          std::span<const std::shared_ptr<const Subset>> subsets) {
  slow_start_ = policy.slow_start;
  by_load_ = policy.load_reports;
  all_ = select(policy, nullptr);
  for (const auto& subset : subsets) {
    subsets_.push_back(subset ? select(policy, subset.get()) : nullptr);
  }
  availability_changed();
}

std::unique_ptr<const Selection> EndpointSet::select(const BalancePolicy& policy,
                                                     const Subset* subset) {
  std::vector<Selection::Member> members;
  for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
    const Placement& placement = placements[i];
    if (subset != nullptr && !have(placement.labels, subset->labels)) continue;
    members.push_back(
        {endpoints[i].get(), weights[i], i, placement.priority, placement.far_from(policy.zone)});
  }
  auto made = std::make_unique<const Selection>(members, policy, groups_);
  groups_ += made->groups();
  return made;
}

const Selection* EndpointSet::selection(const Subset* subset) const {
  if (subset == nullptr) return all_.get();
  return subset->number < subsets_.size() ? subsets_[subset->number].get() : nullptr;
}

void EndpointSet::availability_changed() const {
  if (all_) all_->availability_changed();
  for (const auto& each : subsets_) {
    if (each) each->availability_changed();
  }
  warm_at_ = slow_start_ == Duration::zero() ? kNever : kNotKnownYet;
}

bool EndpointSet::panicking() const {
  auto panics = [](const auto& each) { return each && each->panicking(); };
  return panics(all_) || std::ranges::any_of(subsets_, panics);
}

std::size_t EndpointSet::size_of(const Subset* subset) const {
  const Selection* from = selection(subset);
  return from != nullptr ? from->size() : 0;
}

bool EndpointSet::has(const Subset* subset, std::uint32_t index) const {
  const Selection* from = selection(subset);
  return from != nullptr && from->has(index);
}

std::optional<std::uint32_t> EndpointSet::pick(PickFacts facts) const {
  const Selection* from = selection(facts.subset);
  if (from == nullptr) return std::nullopt;
  if (by_load_) weigh(facts.now);
  return from->pick(facts, warming(facts.now) ? slow_start_ : Duration::zero());
}

// By whoever comes first when it is time.
void EndpointSet::weigh(TimePoint now) const {
  std::int64_t due = weigh_at_.load(std::memory_order_relaxed);
  std::int64_t time = now.time_since_epoch().count();
  if (time < due) return;
  if (!weigh_at_.compare_exchange_strong(due, time + kWeighEvery.count())) return;
  weigh_by_load(endpoints, weights, now);
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
