#include "server/metrics.h"

#include <functional>

namespace weir {
namespace {

constexpr std::string_view kOtherRoutes = "(other)";

std::size_t status_class(std::uint16_t status) {
  std::size_t index = status / 100;
  return index < kStatusClasses ? index : 0;
}

// What no configuration names and yet is always there.
bool built_in(std::string_view route) {
  return route.empty() || route == kAdminRoute || route == kOtherRoutes;
}

bool keeps_route(const MetricNames& names, std::string_view route) {
  return built_in(route) || names.routes.contains(route);
}

bool keeps_upstream(const MetricNames& names, std::string_view upstream) {
  return upstream.empty() || names.upstreams.contains(upstream);
}

}  // namespace

std::string_view status_class_name(std::size_t index) {
  static constexpr std::array<std::string_view, kStatusClasses> kNames = {"none", "1xx", "2xx",
                                                                          "3xx",  "4xx", "5xx"};
  return kNames[index];
}

std::size_t WorkerMetrics::NamesHash::operator()(const Names& names) const {
  std::hash<std::string_view> hash;
  return hash(names.route) * 31 + hash(names.upstream);
}

void WorkerMetrics::record(const Exchange& exchange) {
  const Outcome& outcome = exchange.outcome();
  const UpstreamFacts& upstream = exchange.upstream();
  Pair& pair = pair_of(exchange.route(), upstream.name);
  pair.requests[status_class(outcome.status)].add();
  pair.route->duration.record(outcome.ended - outcome.started);
  pair.route->received.add(outcome.bytes_received);
  pair.route->sent.add(outcome.bytes_sent);
  if (exchange.cache_use() != CacheUse::none) record_cache(*pair.route, exchange);
  if (pair.upstream != nullptr) {
    if (upstream.response >= Duration::zero()) pair.upstream->response.record(upstream.response);
    if (upstream.attempts > 1) pair.upstream->retries.add(upstream.attempts - 1u);
  }
  const Error& error = outcome.error;
  if (error.code != ErrorCode::none) {
    errors_[static_cast<std::size_t>(error.origin)][static_cast<std::size_t>(error.code)].add();
  }
}

void WorkerMetrics::record_cache(RouteSeries& route, const Exchange& exchange) {
  CacheUse use = exchange.cache_use();
  route.cache[static_cast<std::size_t>(use)].add();
  bool asked = use == CacheUse::miss || use == CacheUse::pass;
  if (!asked) route.cache_sent.add(exchange.outcome().bytes_sent);
}

WorkerMetrics::Pair& WorkerMetrics::pair_of(std::string_view route, std::string_view upstream) {
  if (latest_ != nullptr && latest_->route_name == route && latest_->upstream_name == upstream) {
    return *latest_;
  }
  auto found = pairs_.find(Names{route, upstream});
  if (found != pairs_.end()) [[likely]]
    return *(latest_ = found->second.get());
  if (pairs_.size() < limit_) return make_pair(route, upstream);
  found = pairs_.find(Names{kOtherRoutes, {}});
  return found != pairs_.end() ? *found->second : make_pair(kOtherRoutes, {});
}

WorkerMetrics::Pair& WorkerMetrics::make_pair(std::string_view route, std::string_view upstream) {
  std::lock_guard lock(mutex_);
  auto pair = std::make_unique<Pair>();
  auto of_route = routes_.try_emplace(std::string(route)).first;
  if (!of_route->second) of_route->second = std::make_unique<RouteSeries>();
  pair->route_name = of_route->first;
  pair->route = of_route->second.get();
  pair->upstream = nullptr;
  if (!upstream.empty()) {
    auto of_upstream = upstreams_.try_emplace(std::string(upstream)).first;
    if (!of_upstream->second) of_upstream->second = std::make_unique<UpstreamSeries>();
    pair->upstream_name = of_upstream->first;
    pair->upstream = of_upstream->second.get();
  }
  Names names{pair->route_name, pair->upstream_name};
  return *pairs_.emplace(names, std::move(pair)).first->second;
}

void WorkerMetrics::keep_only(const MetricNames& names) {
  std::lock_guard lock(mutex_);
  latest_ = nullptr;
  absl::erase_if(pairs_, [&](const auto& each) {
    return !keeps_route(names, each.first.route) || !keeps_upstream(names, each.first.upstream);
  });
  std::erase_if(routes_, [&](const auto& each) { return !keeps_route(names, each.first); });
  std::erase_if(upstreams_, [&](const auto& each) { return !keeps_upstream(names, each.first); });
}

void ExchangeTotals::add(const WorkerMetrics& worker) {
  std::lock_guard lock(worker.mutex_);
  for (const auto& [names, pair] : worker.pairs_) {
    Requests& total = requests[{std::string(names.route), std::string(names.upstream)}];
    for (std::size_t i = 0; i < kStatusClasses; ++i) total[i] += pair->requests[i].value();
  }
  for (const auto& [name, series] : worker.routes_) {
    Route& total = routes[name];
    total.duration.add(series->duration);
    total.received += series->received.value();
    total.sent += series->sent.value();
    for (std::size_t i = 0; i < kCacheUses; ++i) total.cache[i] += series->cache[i].value();
    total.cache_sent += series->cache_sent.value();
  }
  for (const auto& [name, series] : worker.upstreams_) {
    Upstream& total = upstreams[name];
    total.response.add(series->response);
    total.retries += series->retries.value();
  }
  for (std::size_t origin = 0; origin < kOrigins; ++origin) {
    for (std::size_t code = 0; code < kErrorCodes; ++code) {
      errors[origin][code] += worker.errors_[origin][code].value();
    }
  }
}

void ExchangeTotals::keep_only(const MetricNames& names) {
  std::erase_if(requests, [&](const auto& each) {
    return !keeps_route(names, each.first.first) || !keeps_upstream(names, each.first.second);
  });
  std::erase_if(routes, [&](const auto& each) { return !keeps_route(names, each.first); });
  std::erase_if(upstreams, [&](const auto& each) { return !keeps_upstream(names, each.first); });
}

}  // namespace weir
