#include "cluster/cluster.h"

#include <algorithm>

namespace weir {

void Cluster::update(std::string_view source, std::vector<WeightedAddress> addresses) {
  std::lock_guard lock(mutex_);
  auto found = sources_.find(source);
  if (found != sources_.end() && found->second == addresses) return;
  sources_.insert_or_assign(std::string(source), std::move(addresses));
  rebuild();
}

void Cluster::keep_sources(const std::vector<std::string>& sources) {
  std::lock_guard lock(mutex_);
  std::size_t gone = std::erase_if(sources_, [&](const auto& each) {
    return std::find(sources.begin(), sources.end(), each.first) == sources.end();
  });
  if (gone > 0) rebuild();
}

std::shared_ptr<const EndpointSet> Cluster::endpoints() const {
  std::lock_guard lock(mutex_);
  return endpoints_;
}

void Cluster::set_policy(const BalancePolicy& policy) {
  std::lock_guard lock(mutex_);
  if (policy_ == policy && !subsets_asked_for_) return;
  policy_ = policy;
  if (!endpoints_->endpoints.empty()) rebuild();
}

std::shared_ptr<const Subset> Cluster::subset(const Labels& labels) {
  std::lock_guard lock(mutex_);
  std::size_t free = subsets_.size();
  for (std::size_t i = subsets_.size(); i-- > 0;) {
    std::shared_ptr<const Subset> known = subsets_[i].lock();
    if (known && known->labels == labels) return known;
    if (!known) free = i;
  }
  auto made = std::make_shared<const Subset>(labels, free);
  if (free == subsets_.size()) subsets_.emplace_back();
  subsets_[free] = made;
  subsets_asked_for_ = true;
  return made;
}

void Cluster::set_away(Endpoint& endpoint, Away why, bool away) {
  std::lock_guard lock(mutex_);
  if (!endpoint.set_away(why, away)) return;
  bool back = !away && endpoint.available();
  if (back && policy_.slow_start > Duration::zero()) endpoint.mark_new();
  endpoints_->availability_changed();
  if (back) queue_.look_again();
}

bool Cluster::afford_retry(const RetryBudgetTerms& terms, TimePoint now) {
  if (retry_budget_.due(now)) {
    PoolCounters leases;
    pools_.add_to(leases);
    retry_budget_.refresh(terms, now,
                          leases.reused.value() + leases.taken.value() + leases.opened.value());
  }
  return retry_budget_.take();
}

// What all sources give, each address once, in the order of use. An address of two sources has the
// larger weight, and the place that is used earlier.
std::vector<WeightedAddress> Cluster::merged() const {
  std::vector<WeightedAddress> all;
  std::map<Address, std::size_t> placed;
  for (const auto& [source, addresses] : sources_) {
    for (const WeightedAddress& each : addresses) {
      auto [place, fresh] = placed.emplace(each.address, all.size());
      if (fresh) {
        all.push_back(each);
        continue;
      }
      WeightedAddress& known = all[place->second];
      known.weight = std::max(known.weight, each.weight);
      if (order(each) < order(known)) known.placement = each.placement;
      if (!known.other) known.other = each.other;
    }
  }
  std::ranges::stable_sort(all, {}, [this](const auto& each) { return order(each); });
  return all;
}

// By level, and of each what is near first.
std::pair<std::uint32_t, bool> Cluster::order(const WeightedAddress& each) const {
  return {each.placement.priority, each.placement.far_from(policy_.zone)};
}

void Cluster::rebuild() {
  std::map<Address, std::shared_ptr<Endpoint>> known;
  for (const auto& endpoint : endpoints_->endpoints) known.emplace(endpoint->address, endpoint);
  // Endpoints that come before the first request, from one source after the other, are not new.
  bool used = std::ranges::any_of(endpoints_->endpoints, [](const auto& endpoint) {
    return endpoint->requests.load(std::memory_order_relaxed) > 0;
  });
  bool slowly = used && policy_.slow_start > Duration::zero();
  auto next = std::make_shared<EndpointSet>();
  for (const WeightedAddress& each : merged()) {
    auto fresh = std::make_shared<Endpoint>(each.address, each.host, connections_);
    auto old = known.find(each.address);
    bool stays = old != known.end() && old->second->host == fresh->host;
    if (!stays && slowly) fresh->mark_new();
    next->endpoints.push_back(stays ? old->second : std::move(fresh));
    next->endpoints.back()->set_other(each.other);
    next->weights.push_back(each.weight);
    next->placements.push_back(each.placement);
  }
  std::vector<std::shared_ptr<const Subset>> subsets;
  for (const auto& each : subsets_) subsets.push_back(each.lock());
  subsets_asked_for_ = false;
  next->prepare(policy_, subsets);
  if (policy_.aliases) name_endpoints(*next);
  next->version = version_.load(std::memory_order_relaxed) + 1;
  endpoints_ = std::move(next);
  version_.store(endpoints_->version, std::memory_order_release);
  queue_.use(endpoints_, policy_.max_requests);
}

void Cluster::name_endpoints(EndpointSet& set) {
  if (policy_.alias_keys.empty() && alias_key_.empty()) alias_key_ = random_alias_key();
  std::span<const std::string> keys = policy_.alias_keys;
  if (keys.empty()) keys = {&alias_key_, 1};
  set.aliases = std::make_shared<const AliasTable>(set.endpoints, name_, keys);
}

}  // namespace weir
