// ProcessStatus::metrics: every family of the table, in its order.
#include <deque>

#include "core/version.h"
#include "server/exposition.h"
#include "server/process_status.h"

namespace weir {
namespace {

double seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }

/// What is told of a listener; those of one name are told as one.
struct ListenerFigures {
  SessionCounters sessions;
  TunnelCounters tunnels;
  bool tcp = false;
  std::uint64_t refused = 0;
  std::uint64_t proxy_errors = 0;
  std::uint64_t accept_errors = 0;
};

}  // namespace

class ProcessStatus::Text {
 public:
  explicit Text(const View& view) : view_(view) {
    for (const auto& listener : view.listeners) {
      ListenerFigures& figures = listeners_[listener->name()];
      listener->sessions.add_to(figures.sessions);
      if (listener->kind == ListenerKind::tcp) {
        figures.tcp = true;
        listener->tunnels.add_to(figures.tunnels);
      }
      figures.proxy_errors += listener->proxy_errors.load(std::memory_order_relaxed);
      figures.refused += listener->limits.refused();
      figures.accept_errors += listener->accept_errors.load(std::memory_order_relaxed);
    }
    for (const auto& cluster : view.clusters) {
      sets_.push_back(cluster->endpoints());
      cluster->pools().add_to(pools_.emplace_back());
      cluster->retries().add_to(retries_.emplace_back());
    }
  }

  void exchanges();
  void listeners();
  void upstreams();
  void health(const HealthChecks* checks);
  void queues();
  void dns(const std::vector<DnsStatus>& names);
  void overload(const OverloadFigures& figures);
  void process(bool ready);
  void log(const LogFigures& figures);
  void machine(const ProcessUsage& usage, std::int64_t started);
  std::string take() { return out_.take(); }

 private:
  void tunnels();
  void tls_handshakes();
  void misdeeds();
  void outliers();
  void admission();
  void repeats();
  void mirrors(std::string_view upstream, const MirrorCounters& counters);
  template <class Value>
  void per_listener(const Metric& metric, Value value);
  template <class Value>
  void per_endpoint(const Metric& metric, Value value);
  template <class Map, class Value>
  void per_name(const Metric& metric, std::string_view label, const Map& map, Value value);

  const View& view_;
  std::map<std::string, ListenerFigures> listeners_;
  std::vector<std::shared_ptr<const EndpointSet>> sets_;  // of view_.clusters, like the next
  std::deque<PoolCounters> pools_;
  std::deque<RetryCounters> retries_;
  Exposition out_;
};

template <class Map, class Value>
void ProcessStatus::Text::per_name(const Metric& metric, std::string_view label, const Map& map,
                                   Value value) {
  out_.family(metric);
  for (const auto& [name, series] : map) out_.sample({{label, name}}, value(series));
}

void ProcessStatus::Text::exchanges() {
  const ExchangeTotals& totals = view_.totals;
  out_.family(metrics::requests);
  for (const auto& [names, counts] : totals.requests) {
    for (std::size_t i = 0; i < kStatusClasses; ++i) {
      if (counts[i] == 0) continue;
      out_.sample(
          {{"route", names.first}, {"upstream", names.second}, {"status", status_class_name(i)}},
          counts[i]);
    }
  }
  out_.family(metrics::request_duration);
  for (const auto& [name, route] : totals.routes) out_.histogram({"route", name}, route.duration);
  out_.family(metrics::upstream_response);
  for (const auto& [name, upstream] : totals.upstreams) {
    out_.histogram({"upstream", name}, upstream.response);
  }
  using Route = ExchangeTotals::Route;
  per_name(metrics::received_bytes, "route", totals.routes,
           [](const Route& r) { return r.received; });
  per_name(metrics::sent_bytes, "route", totals.routes, [](const Route& r) { return r.sent; });
  out_.family(metrics::errors);
  for (std::size_t code = 0; code < kErrorCodes; ++code) {
    for (std::size_t origin = 0; origin < kOrigins; ++origin) {
      if (totals.errors[origin][code] == 0) continue;
      out_.sample({{"reason", name(static_cast<ErrorCode>(code))},
                   {"origin", name(static_cast<Origin>(origin))}},
                  totals.errors[origin][code]);
    }
  }
  per_name(metrics::retries, "upstream", totals.upstreams,
           [](const ExchangeTotals::Upstream& u) { return u.retries; });
}

template <class Value>
void ProcessStatus::Text::per_listener(const Metric& metric, Value value) {
  per_name(metric, "listener", listeners_, value);
}

void ProcessStatus::Text::listeners() {
  using Of = const ListenerFigures&;
  per_listener(metrics::connections, [](Of l) { return l.sessions.connections.value(); });
  per_listener(metrics::connections_open, [](Of l) { return l.sessions.open.value(); });
  per_listener(metrics::connections_idle, [](Of l) { return l.sessions.idle.value(); });
  per_listener(metrics::connections_refused, [](Of l) { return l.refused; });
  per_listener(metrics::accept_errors, [](Of l) { return l.accept_errors; });
  per_listener(metrics::listener_requests, [](Of l) { return l.sessions.requests.value(); });
  per_listener(metrics::tunnels_open, [](Of l) { return l.sessions.tunnels.value(); });
  tunnels();
  per_listener(metrics::proxy_headers_refused, [](Of l) { return l.proxy_errors; });
  tls_handshakes();
  misdeeds();
  per_listener(metrics::abusive_connections, [](Of l) { return l.sessions.abuse.closed.value(); });
}

void ProcessStatus::Text::tunnels() {
  out_.family(metrics::tunnels_ended);
  for (const auto& [listener, figures] : listeners_) {
    for (std::size_t i = 0; i < TunnelCounters::kReasons; ++i) {
      std::uint64_t count = figures.tunnels.ended[i].value();
      if (count == 0) continue;
      out_.sample({{"listener", listener}, {"reason", name(static_cast<ErrorCode>(i))}}, count);
    }
  }
  auto per_tcp = [&](const Metric& metric, auto value) {
    out_.family(metric);
    for (const auto& [listener, figures] : listeners_) {
      if (figures.tcp) out_.sample({{"listener", listener}}, value(figures.tunnels).value());
    }
  };
  per_tcp(metrics::tunnel_received, [](const TunnelCounters& t) -> auto& { return t.received; });
  per_tcp(metrics::tunnel_sent, [](const TunnelCounters& t) -> auto& { return t.sent; });
}

void ProcessStatus::Text::tls_handshakes() {
  out_.family(metrics::tls_handshakes);
  for (const auto& [name, figures] : listeners_) {
    const SessionCounters& sessions = figures.sessions;
    std::uint64_t resumed = sessions.tls_resumed.value();
    std::uint64_t failed = sessions.tls_failures.value();
    std::uint64_t full = sessions.tls_handshakes.value() - resumed;
    if (full + resumed + failed == 0) continue;  // in clear, or not used yet
    out_.sample({{"listener", name}, {"result", "full"}}, full);
    out_.sample({{"listener", name}, {"result", "resumed"}}, resumed);
    out_.sample({{"listener", name}, {"result", "failed"}}, failed);
  }
}

// Kinds that have occurred.
void ProcessStatus::Text::misdeeds() {
  out_.family(metrics::misdeeds);
  for (const auto& [listener, figures] : listeners_) {
    for (std::size_t i = 0; i < kMisdeeds; ++i) {
      auto kind = static_cast<Misdeed>(i);
      std::uint64_t count = figures.sessions.abuse.of(kind).value();
      if (count == 0) continue;
      out_.sample({{"listener", listener}, {"kind", name(kind)}}, count);
    }
  }
}

// Endpoints that no request has used are not told of.
template <class Value>
void ProcessStatus::Text::per_endpoint(const Metric& metric, Value value) {
  out_.family(metric);
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    for (const auto& endpoint : sets_[i]->endpoints) {
      if (endpoint->requests.load(std::memory_order_relaxed) == 0) continue;
      out_.sample({{"upstream", view_.clusters[i]->name()}, {"endpoint", endpoint->text}},
                  std::uint64_t{value(*endpoint).load(std::memory_order_relaxed)});
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
  per_endpoint(metrics::endpoint_requests, [](auto& e) -> auto& { return e.requests; });
  per_endpoint(metrics::endpoint_in_flight, [](auto& e) -> auto& { return e.in_flight; });
  per_endpoint(metrics::endpoint_failures, [](auto& e) -> auto& { return e.failures; });
  per_endpoint(metrics::endpoint_connect_failures,
               [](auto& e) -> auto& { return e.connect_failures; });
  outliers();
  admission();
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

void ProcessStatus::Text::dns(const std::vector<DnsStatus>& names) {
  out_.family(metrics::dns_lookups);
  for (const DnsStatus& each : names) {
    Label upstream{"upstream", each.upstream}, source{"source", each.source};
    out_.sample({upstream, source, {"result", "answer"}}, each.answers);
    out_.sample({upstream, source, {"result", "failure"}}, each.failures);
  }
}

void ProcessStatus::Text::overload(const OverloadFigures& figures) {
  out_.family(metrics::overloaded);
  out_.sample({{"cause", "memory"}}, std::uint64_t{figures.memory});
  out_.sample({{"cause", "lag"}}, std::uint64_t{figures.lag});
  out_.family(metrics::overload_refused);
  out_.sample({{"what", "requests"}}, figures.refused_requests);
  out_.sample({{"what", "connections"}}, figures.refused_connections);
}

void ProcessStatus::Text::process(bool ready) {
  out_.family(metrics::workers);
  out_.sample({}, std::uint64_t{view_.lag.size()});
  out_.family(metrics::loop_lag);
  for (const auto& [index, lag] : view_.lag) {
    out_.sample({{"worker", std::to_string(index)}}, seconds(lag));
  }
  out_.family(metrics::ready);
  out_.sample({}, std::uint64_t{ready});
  out_.family(metrics::generation);
  out_.sample({}, view_.generation);
  out_.family(metrics::reloads);
  out_.sample({{"result", "ok"}}, view_.reloads);
  out_.sample({{"result", "failed"}}, view_.refused);
  out_.family(metrics::reload_ok);
  out_.sample({}, std::uint64_t{!view_.last_refused});
}

void ProcessStatus::Text::log(const LogFigures& figures) {
  out_.family(metrics::log_lines);
  out_.sample({}, figures.lines);
  out_.family(metrics::log_dropped);
  out_.sample({}, figures.dropped);
  out_.family(metrics::log_write_errors);
  out_.sample({}, figures.write_errors);
}

void ProcessStatus::Text::machine(const ProcessUsage& usage, std::int64_t started) {
  out_.family(metrics::build_info);
  out_.sample({{"version", kVersion}}, std::uint64_t{1});
  out_.family(metrics::start_time);
  out_.sample({}, static_cast<double>(started / 1'000'000) / 1e3);
  out_.family(metrics::cpu);
  out_.sample({}, usage.cpu_seconds);
  out_.family(metrics::resident);
  out_.sample({}, usage.resident_bytes);
  out_.family(metrics::open_files);
  out_.sample({}, usage.open_files);
}

std::string ProcessStatus::metrics() const {
  View view = this->view();
  for (const auto& worker : view.workers) view.totals.add(*worker);
  Text text(view);
  text.exchanges();
  text.listeners();
  text.upstreams();
  text.health(sources_.health);
  text.dns(sources_.dns ? sources_.dns() : std::vector<DnsStatus>());
  text.overload(sources_.overload ? sources_.overload() : OverloadFigures());
  text.process(unready().empty());
  text.log(sources_.access_log ? sources_.access_log() : LogFigures());
  text.machine(sources_.usage ? sources_.usage() : ProcessUsage(), started_);
  return text.take();
}

}  // namespace weir
