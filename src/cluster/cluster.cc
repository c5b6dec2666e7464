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

void Cluster::rebuild() {
  std::map<Address, std::shared_ptr<Endpoint>> known;
  for (const auto& endpoint : endpoints_->endpoints) known.emplace(endpoint->address, endpoint);
  auto next = std::make_shared<EndpointSet>();
  std::map<Address, std::size_t> placed;
  for (const auto& [source, addresses] : sources_) {
    for (const WeightedAddress& each : addresses) {
      auto [place, fresh] = placed.emplace(each.address, next->endpoints.size());
      if (!fresh) {  // named by two sources: the larger weight counts
        std::uint32_t& weight = next->weights[place->second];
        weight = std::max(weight, each.weight);
        continue;
      }
      auto fresh_one = std::make_shared<Endpoint>(each.address, each.host);
      auto old = known.find(each.address);
      bool stays = old != known.end() && old->second->host == fresh_one->host;
      next->endpoints.push_back(stays ? old->second : std::move(fresh_one));
      next->weights.push_back(each.weight);
    }
  }
  next->make_rotation();
  next->version = version_.load(std::memory_order_relaxed) + 1;
  endpoints_ = std::move(next);
  version_.store(endpoints_->version, std::memory_order_release);
}

}  // namespace weir
