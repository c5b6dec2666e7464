#include "cluster/selection.h"

#include <algorithm>

#include "cluster/group_load.h"
#include "core/hash.h"

namespace weir {
namespace {

bool same_group(const Selection::Member& one, const Selection::Member& other) {
  return one.priority == other.priority && one.far == other.far;
}

}  // namespace

Selection::Selection(const std::vector<Member>& members, const BalancePolicy& policy,
                     std::size_t first_group)
    : panic_below_(policy.panic_below),
      max_requests_(policy.max_requests),
      by_load_(policy.load_reports) {
  std::vector<std::uint32_t> begins;
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    if (i == 0 || !same_group(members[i - 1], members[i])) begins.push_back(i);
    endpoints_.push_back(members[i].endpoint);
    weights_.push_back(members[i].weight);
    places_.push_back(members[i].place);
  }
  group_count_ = begins.size();
  groups_ = std::make_unique<Group[]>(group_count_);
  begins.push_back(static_cast<std::uint32_t>(members.size()));
  for (std::size_t i = 0; i < group_count_; ++i) {
    groups_[i].first = begins[i];
    groups_[i].count = begins[i + 1] - begins[i];
    groups_[i].number = first_group + i;
    groups_[i].balancer = make_balancer(policy, view(groups_[i], Duration::zero()));
  }
  availability_changed();
}

void Selection::availability_changed() const {
  std::vector<GroupHealth> health(group_count_);
  for (std::size_t i = 0; i < group_count_; ++i) {
    const Group& group = groups_[i];
    std::uint32_t available = 0;
    std::uint32_t barred = 0;
    for (std::uint32_t at = group.first; at < group.first + group.count; ++at) {
      health[i].weight += weights_[at];
      if (endpoints_[at]->barred()) ++barred;
      if (!endpoints_[at]->available()) continue;
      health[i].available += weights_[at];
      ++available;
    }
    group.available.store(available, std::memory_order_relaxed);
    group.barred.store(barred, std::memory_order_relaxed);
  }
  double until = 0;
  bool panicking = false;
  std::vector<GroupLoad> loads = loads_of(health, panic_below_);
  for (std::size_t i = 0; i < group_count_; ++i) {
    until = std::min(1.0, until + loads[i].share);
    groups_[i].until.store(static_cast<std::uint32_t>(until * kAll), std::memory_order_relaxed);
    groups_[i].panics.store(loads[i].panics, std::memory_order_relaxed);
    panicking = panicking || loads[i].panics;
  }
  panicking_.store(panicking, std::memory_order_relaxed);
}

EndpointGroup Selection::view(const Group& group, Duration slow_start) const {
  return {.endpoints = std::span(endpoints_).subspan(group.first, group.count),
          .weights = std::span(weights_).subspan(group.first, group.count),
          .places = std::span(places_).subspan(group.first, group.count),
          .slow_start = slow_start,
          .by_load = by_load_,
          .max_requests = max_requests_};
}

// By lot, or by the key of the request, so that a key stays in its group.
std::size_t Selection::first_group(const PickFacts& facts) const {
  if (group_count_ < 2 || groups_[0].until.load(std::memory_order_relaxed) == kAll) return 0;
  constexpr std::uint64_t kOfGroups = 0x9e3779b97f4a7c15;  // another place than among endpoints
  std::uint64_t word = facts.hash ? mix(*facts.hash ^ kOfGroups) : facts.random.next();
  auto drawn = static_cast<std::uint32_t>(word >> 32);
  for (std::size_t i = 0; i < group_count_; ++i) {
    if (drawn < groups_[i].until.load(std::memory_order_relaxed)) return i;
  }
  return 0;
}

bool Selection::has(std::uint32_t place) const {
  return std::ranges::binary_search(places_, place);
}

bool Selection::can_have(std::uint32_t place, const PickFacts& facts) const {
  auto found = std::ranges::lower_bound(places_, place);
  if (found == places_.end() || *found != place) return false;
  auto index = static_cast<std::uint32_t>(found - places_.begin());
  if (!endpoints_[index]->keeps_clients()) return false;
  EndpointGroup all{.endpoints = endpoints_,
                    .weights = weights_,
                    .places = places_,
                    .max_requests = max_requests_};
  return !all.excludes(facts, index);
}

std::optional<std::uint32_t> Selection::pick(PickFacts& facts, Duration slow_start) const {
  if (facts.preferred && can_have(*facts.preferred, facts)) return facts.preferred;
  std::size_t start = first_group(facts);
  // What was drawn may be spent: then what comes behind it, and at last what stands before.
  for (bool whatever : {false, true}) {
    for (std::size_t i = 0; i < group_count_; ++i) {
      const Group& group = groups_[(start + i) % group_count_];
      if (auto place = pick_from(group, whatever, slow_start, facts)) return place;
    }
    if (!panicking()) break;
  }
  return std::nullopt;
}

// In a panic the first attempt of a request goes to any endpoint, and the others to those that are
// available, while there are such: so that a panic loses no request that could be answered.
std::optional<std::uint32_t> Selection::pick_from(const Group& group, bool whatever,
                                                  Duration slow_start, PickFacts& facts) const {
  std::uint32_t available = group.available.load(std::memory_order_relaxed);
  bool panics = group.panics.load(std::memory_order_relaxed);
  bool all = panics && (whatever || facts.excluded.empty());
  if (available == 0 && !all && !facts.ejected_too) return std::nullopt;
  std::uint32_t barred = group.barred.load(std::memory_order_relaxed);
  if (all && barred == group.count) return std::nullopt;
  if (group.number < facts.cursors.size()) facts.cursor = facts.cursors[group.number];
  EndpointGroup members = view(group, slow_start);
  members.all_available = all ? barred == 0 : available == group.count;
  members.panic = all;
  std::optional<std::uint32_t> index = group.balancer->pick(members, facts);
  if (!index) return std::nullopt;
  return members.places[*index];
}

}  // namespace weir
