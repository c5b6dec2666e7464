#include "server/process_status.h"

#include <algorithm>

#include "server/server.h"

namespace weir {
namespace {

MetricNames names_of(const Snapshot& snapshot) {
  MetricNames names;
  for (const auto& listener : snapshot.listeners) {
    if (!listener->site) continue;
    for (const Route& route : listener->site->routes) names.routes.insert(route.name);
  }
  for (const auto& upstream : snapshot.config.upstreams) names.upstreams.insert(upstream.name);
  return names;
}

}  // namespace

std::shared_ptr<WorkerMetrics> ProcessStatus::join(Loop& loop) {
  auto metrics = std::make_shared<WorkerMetrics>();
  std::lock_guard lock(mutex_);
  workers_.push_back({&loop, metrics});
  return metrics;
}

void ProcessStatus::leave(const std::shared_ptr<WorkerMetrics>& worker) {
  std::lock_guard lock(mutex_);
  gone_.add(*worker);
  std::erase_if(workers_, [&](const Seat& seat) { return seat.metrics == worker; });
}

void ProcessStatus::use(const Server& server) {
  auto names = std::make_shared<const MetricNames>(names_of(*server.snapshot()));
  auto listeners = server.listeners();
  auto clusters = server.clusters();
  auto rate_budgets = server.states().all<RateBudgets>();
  auto concurrency = server.states().all<RequestsUnderWay>();
  auto bandwidth = server.states().all<ByteBudgets>();
  std::lock_guard lock(mutex_);
  for (const auto& before : listeners_) {
    if (std::ranges::find(listeners, before) == listeners.end()) leaving_.push_back(before);
  }
  std::erase_if(leaving_, [](const auto& listener) { return listener.expired(); });
  if (snapshot_) ++reloads_;
  last_refused_ = false;
  snapshot_ = server.snapshot();
  listeners_ = std::move(listeners);
  clusters_ = std::move(clusters);
  rate_budgets_.assign(rate_budgets.begin(), rate_budgets.end());
  concurrency_.assign(concurrency.begin(), concurrency.end());
  bandwidth_.assign(bandwidth.begin(), bandwidth.end());
  gone_.keep_only(*names);
  for (const Seat& seat : workers_) {
    seat.loop->post([metrics = seat.metrics, names] { metrics->keep_only(*names); });
  }
}

void ProcessStatus::refuse() {
  std::lock_guard lock(mutex_);
  if (!snapshot_) return;
  ++refused_;
  last_refused_ = true;
}

void ProcessStatus::drain() {
  std::lock_guard lock(mutex_);
  draining_ = true;
}

std::vector<Unready> ProcessStatus::unready() const {
  std::lock_guard lock(mutex_);
  std::vector<Unready> reasons;
  if (draining_) reasons.push_back({"draining", {}});
  if (was_ready_) return reasons;
  if (!snapshot_) reasons.push_back({"no_configuration", {}});
  for (const auto& cluster : clusters_) {
    if (cluster->endpoints()->endpoints.empty()) {
      reasons.push_back({"no_endpoints", cluster->name()});
    }
  }
  was_ready_ = reasons.empty();
  return reasons;
}

std::shared_ptr<const Snapshot> ProcessStatus::snapshot() const {
  std::lock_guard lock(mutex_);
  return snapshot_;
}

std::vector<std::shared_ptr<Cluster>> ProcessStatus::clusters() const {
  std::lock_guard lock(mutex_);
  return clusters_;
}

// The counters themselves are read after the lock is gone; a worker that leaves meanwhile is in
// this view with its own object, and not in the sum of those that are gone.
ProcessStatus::View ProcessStatus::view() const {
  std::lock_guard lock(mutex_);
  View view;
  view.totals = gone_;
  for (const Seat& seat : workers_) {
    view.workers.push_back(seat.metrics);
    view.lag[seat.loop->index()] = seat.loop->lag();
  }
  view.listeners = listeners_;
  for (const auto& each : leaving_) {
    if (auto listener = each.lock()) view.listeners.push_back(std::move(listener));
  }
  view.clusters = clusters_;
  auto look_up = [](const auto& known, auto& living) {
    for (const auto& [name, state] : known) {
      if (auto it = state.lock()) living.emplace_back(name, std::move(it));
    }
  };
  look_up(rate_budgets_, view.rate_budgets);
  look_up(concurrency_, view.concurrency);
  look_up(bandwidth_, view.bandwidth);
  if (snapshot_) view.stores = snapshot_->stores;
  view.generation = snapshot_ ? snapshot_->generation : 0;
  view.reloads = reloads_;
  view.refused = refused_;
  view.last_refused = last_refused_;
  return view;
}

}  // namespace weir
