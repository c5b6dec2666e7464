// ProcessStatus::metrics: upstreams and their endpoints.
#include "server/metrics_text.h"

namespace weir {

// Endpoints that no request has used are not told of.
template <class Value>
void ProcessStatus::Text::per_endpoint(const Metric& metric, Value value) {
  out_.family(metric);
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    for (const auto& endpoint : sets_[i]->endpoints) {
      if (endpoint->requests.load(std::memory_order_relaxed) == 0) continue;
      out_.sample({{"upstream", view_.clusters[i]->name()}, {"endpoint", endpoint->text}},
                  std::uint64_t{value(*endpoint)});
    }
  }
}

void ProcessStatus::Text::upstreams() {
  auto per_upstream = [&](const Metric& metric, auto f) {
    out_.family(metric);
    for (std::size_t i = 0; i < sets_.size(); ++i) f(view_.clusters[i]->name(), i);
  };
  per_upstream(metrics::pool_leases, [&](std::string_view name, std::size_t i) {
    const PoolCounters& pool = pools_[i];
    out_.sample({{"upstream", name}, {"source", "reused"}}, pool.reused.value());
    out_.sample({{"upstream", name}, {"source", "taken"}}, pool.taken.value());
    out_.sample({{"upstream", name}, {"source", "opened"}}, pool.opened.value());
  });
  per_upstream(metrics::pool_stale, [&](std::string_view name, std::size_t i) {
    out_.sample({{"upstream", name}}, pools_[i].stale.value());
  });
  per_upstream(metrics::pool_reuse_ratio, [&](std::string_view name, std::size_t i) {
    std::uint64_t used = pools_[i].reused.value() + pools_[i].taken.value();
    std::uint64_t all = used + pools_[i].opened.value();
    if (all == 0) return;
    out_.sample({{"upstream", name}}, static_cast<double>(used) / static_cast<double>(all));
  });
  repeats();
  per_upstream(metrics::mirrors, [&](std::string_view name, std::size_t i) {
    mirrors(name, view_.clusters[i]->mirrors);
  });
  per_upstream(metrics::endpoints, [&](std::string_view name, std::size_t i) {
    out_.sample({{"upstream", name}}, std::uint64_t{sets_[i]->endpoints.size()});
  });
  per_upstream(metrics::upstream_panic, [&](std::string_view name, std::size_t i) {
    out_.sample({{"upstream", name}}, std::uint64_t{sets_[i]->panicking()});
  });
  queues();
  per_endpoint(metrics::endpoint_requests, [](auto& e) { return e.requests.load(); });
  per_endpoint(metrics::endpoint_in_flight, [](auto& e) { return e.in_flight.load(); });
  per_endpoint(metrics::endpoint_failures, [](auto& e) { return e.failures.load(); });
  per_endpoint(metrics::endpoint_connect_failures,
               [](auto& e) { return e.connect_failures.load(); });
  connections();
  outliers();
  admission();
}

// Endpoints whose connections are counted, and were ever limited.
void ProcessStatus::Text::connections() {
  auto each = [&](const Metric& metric, auto value) {
    out_.family(metric);
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      for (const auto& endpoint : sets_[i]->endpoints) {
        if (!endpoint->places->used()) continue;
        out_.sample({{"upstream", view_.clusters[i]->name()}, {"endpoint", endpoint->text}},
                    std::uint64_t{value(*endpoint->places)});
      }
    }
  };
  each(metrics::endpoint_connections, [](auto& places) { return places.open(); });
  each(metrics::endpoint_connections_waiting, [](auto& places) { return places.waiting(); });
  auto of_all = [&](const Metric& metric, auto value) {
    out_.family(metric);
    for (const auto& cluster : view_.clusters) {
      if (!cluster->connections()->used()) continue;
      out_.sample({{"upstream", cluster->name()}}, std::uint64_t{value(*cluster->connections())});
    }
  };
  of_all(metrics::upstream_connections, [](auto& places) { return places.open(); });
  of_all(metrics::upstream_connections_waiting, [](auto& places) { return places.waiting(); });
}

// Endpoints that were ejected once.
void ProcessStatus::Text::outliers() {
  auto per_outlier = [&](const Metric& metric, auto f) {
    out_.family(metric);
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      for (const auto& endpoint : sets_[i]->endpoints) {
        if (endpoint->outlier.ever()) f(*view_.clusters[i], *endpoint);
      }
    }
  };
  per_outlier(metrics::endpoint_ejections, [&](const Cluster& cluster, const Endpoint& endpoint) {
    for (std::size_t i = 0; i < kEjectionReasons; ++i) {
      std::uint64_t count = endpoint.outlier.ejections[i].load(std::memory_order_relaxed);
      if (count == 0) continue;
      out_.sample({{"upstream", cluster.name()},
                   {"endpoint", endpoint.text},
                   {"reason", name(static_cast<EjectionReason>(i))}},
                  count);
    }
  });
  per_outlier(metrics::endpoint_ejected, [&](const Cluster& cluster, const Endpoint& endpoint) {
    out_.sample({{"upstream", cluster.name()},
                 {"endpoint", endpoint.text},
                 {"reason", name(endpoint.outlier.reason.load(std::memory_order_relaxed))}},
                std::uint64_t{endpoint.is(Away::ejected)});
  });
  per_outlier(metrics::endpoint_ejected_until,
              [&](const Cluster& cluster, const Endpoint& endpoint) {
                if (!endpoint.is(Away::ejected)) return;
                std::int64_t until = cluster.outliers().wall(endpoint.outlier.ejected_until());
                out_.sample({{"upstream", cluster.name()}, {"endpoint", endpoint.text}},
                            static_cast<double>(until / 1'000'000) / 1e3);
              });
  out_.family(metrics::ejections_withheld);
  for (const auto& cluster : view_.clusters) {
    out_.sample({{"upstream", cluster->name()}}, cluster->outliers().withheld());
  }
}

void ProcessStatus::Text::health(const HealthChecks* checks) {
  auto each = [&](auto tell) {
    for (std::size_t i = 0; i < sets_.size(); ++i) {
      const Cluster& cluster = *view_.clusters[i];
      for (const auto& endpoint : sets_[i]->endpoints) {
        tell(cluster, *endpoint, checks != nullptr ? checks->find(cluster, *endpoint) : nullptr);
      }
    }
  };
  out_.family(metrics::endpoint_available);
  each([&](const Cluster& cluster, const Endpoint& endpoint, const Health* health) {
    bool used = endpoint.requests.load(std::memory_order_relaxed) > 0;
    if (!used && health == nullptr && endpoint.available()) return;
    out_.sample({{"upstream", cluster.name()}, {"endpoint", endpoint.text}},
                std::uint64_t{endpoint.available()});
  });
  out_.family(metrics::health_checks);
  each([&](const Cluster& cluster, const Endpoint& endpoint, const Health* health) {
    if (health == nullptr) return;
    Label upstream{"upstream", cluster.name()}, name{"endpoint", endpoint.text};
    out_.sample({upstream, name, {"result", "pass"}}, health->passed());
    out_.sample({upstream, name, {"result", "fail"}}, health->failed());
  });
  out_.family(metrics::health_check_duration);
  if (checks != nullptr) {
    for (const auto& [name, totals] : checks->durations()) {
      out_.histogram({"upstream", name}, totals);
    }
  }
  out_.family(metrics::health_checks_late);
  out_.sample({}, checks != nullptr ? checks->late() : std::uint64_t{0});
}

void ProcessStatus::Text::admission() {
  auto per_upstream = [&](const Metric& metric, auto f) {
    out_.family(metric);
    for (const auto& cluster : view_.clusters) f(cluster->name(), *cluster->admission());
  };
  using State = const AdmissionState&;
  per_upstream(metrics::upstream_refused, [&](std::string_view upstream, State state) {
    for (std::size_t i = 0; i < AdmissionState::kReasons.size(); ++i) {
      std::uint64_t count = state.refused[i].load(std::memory_order_relaxed);
      if (count == 0) continue;
      out_.sample({{"upstream", upstream}, {"reason", name(AdmissionState::kReasons[i])}}, count);
    }
  });
  per_upstream(metrics::breaker_state, [&](std::string_view upstream, State state) {
    out_.sample({{"upstream", upstream}}, static_cast<std::uint64_t>(state.breaker.state()));
  });
  per_upstream(metrics::breaker_opened, [&](std::string_view upstream, State state) {
    out_.sample({{"upstream", upstream}}, state.breaker.opened());
  });
  per_upstream(metrics::adaptive_limit, [&](std::string_view upstream, State state) {
    std::uint32_t limit = state.adaptive.found();
    if (limit > 0) out_.sample({{"upstream", upstream}}, std::uint64_t{limit});
  });
}

// Upstreams that had something to repeat.
void ProcessStatus::Text::repeats() {
  using Kinds = std::initializer_list<std::pair<std::string_view, Counter RetryCounters::*>>;
  auto by_result = [&](const Metric& metric, Kinds kinds) {
    out_.family(metric);
    for (std::size_t i = 0; i < retries_.size(); ++i) {
      for (const auto& [result, counter] : kinds) {
        std::uint64_t count = (retries_[i].*counter).value();
        if (count == 0) continue;
        out_.sample({{"upstream", view_.clusters[i]->name()}, {"result", result}}, count);
      }
    }
  };
  using Counters = RetryCounters;
  by_result(metrics::repeats, {{"made", &Counters::made},
                               {"over_budget", &Counters::over_budget},
                               {"exhausted", &Counters::exhausted},
                               {"late", &Counters::late}});
  by_result(metrics::hedges, {{"made", &Counters::hedged}, {"won", &Counters::hedges_won}});
}

// Of upstreams that have had any.
void ProcessStatus::Text::mirrors(std::string_view upstream, const MirrorCounters& counters) {
  std::pair<std::string_view, std::uint64_t> results[] = {{"answered", counters.answered},
                                                          {"failed", counters.failed},
                                                          {"dropped", counters.dropped},
                                                          {"too_large", counters.too_large}};
  for (const auto& [result, count] : results) {
    if (count == 0) continue;
    out_.sample({{"upstream", upstream}, {"result", result}}, count);
  }
}

// Of upstreams whose endpoints have limits, once somebody has met one.
void ProcessStatus::Text::queues() {
  out_.family(metrics::queue_waiting);
  for (const auto& cluster : view_.clusters) {
    out_.sample({{"upstream", cluster->name()}}, std::uint64_t{cluster->queue().waiting()});
  }
  out_.family(metrics::queue_requests);
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    const PoolCounters& pool = pools_[i];
    Label upstream{"upstream", view_.clusters[i]->name()};
    if (pool.queued.value() + pool.queue_full.value() == 0) continue;
    out_.sample({upstream, {"result", "served"}},
                pool.queued.value() - pool.queue_timed_out.value());
    out_.sample({upstream, {"result", "timeout"}}, pool.queue_timed_out.value());
    out_.sample({upstream, {"result", "full"}}, pool.queue_full.value());
  }
}

}  // namespace weir
