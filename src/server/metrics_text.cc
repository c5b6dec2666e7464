// ProcessStatus::metrics: exchanges, listeners and the process.
#include "server/metrics_text.h"
#include "core/version.h"

namespace weir {
namespace {

double seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }

}  // namespace

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
  cache_uses();
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

// Of routes that have a cache only.
void ProcessStatus::Text::cache_uses() {
  out_.family(metrics::cache_requests);
  for (const auto& [name, route] : view_.totals.routes) {
    for (std::size_t i = 1; i < kCacheUses; ++i) {
      if (route.cache[i] == 0) continue;
      out_.sample({{"route", name}, {"result", weir::name(static_cast<CacheUse>(i))}},
                  route.cache[i]);
    }
  }
  out_.family(metrics::cache_sent);
  for (const auto& [name, route] : view_.totals.routes) {
    if (route.cache != decltype(route.cache){}) out_.sample({{"route", name}}, route.cache_sent);
  }
}

void ProcessStatus::Text::caches(const std::vector<cache::StoreTotals>& caches) {
  using Totals = cache::StoreTotals;
  auto family = [&](const Metric& metric, std::uint64_t Totals::* value) {
    out_.family(metric);
    for (const Totals& each : caches) out_.sample({{"cache", each.name}}, each.*value);
  };
  family(metrics::cache_objects, &Totals::objects);
  family(metrics::cache_bytes, &Totals::bytes);
  family(metrics::cache_limit, &Totals::limit);
  family(metrics::cache_stored, &Totals::stored);
  family(metrics::cache_evicted, &Totals::evicted);
  cache_disks(caches);
}

// Of caches that have a disk only.
void ProcessStatus::Text::cache_disks(const std::vector<cache::StoreTotals>& caches) {
  using Totals = cache::DiskTotals;
  auto family = [&](const Metric& metric, std::uint64_t Totals::* value) {
    out_.family(metric);
    for (const cache::StoreTotals& each : caches) {
      if (each.disk.limit > 0) out_.sample({{"cache", each.name}}, each.disk.*value);
    }
  };
  family(metrics::cache_disk_objects, &Totals::objects);
  family(metrics::cache_disk_bytes, &Totals::bytes);
  family(metrics::cache_disk_limit, &Totals::limit);
  family(metrics::cache_disk_reads, &Totals::reads);
  family(metrics::cache_disk_writes, &Totals::writes);
  family(metrics::cache_disk_evicted, &Totals::evicted);
  family(metrics::cache_disk_skipped, &Totals::skipped);
  family(metrics::cache_disk_broken, &Totals::broken);
  family(metrics::cache_disk_errors, &Totals::errors);
}

void ProcessStatus::Text::buffers(const BufferFigures& figures) {
  auto family = [&](const Metric& metric, std::uint64_t value) {
    out_.family(metric);
    out_.sample({}, value);
  };
  family(metrics::buffer_memory, figures.memory);
  family(metrics::buffer_disk, figures.disk);
  family(metrics::buffer_spilled, figures.spilled);
  family(metrics::buffer_refused, figures.refused);
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
  datagrams();
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

void ProcessStatus::Text::datagrams() {
  auto per_udp = [&](const Metric& metric, auto f) {
    out_.family(metric);
    for (const auto& [listener, figures] : listeners_) {
      if (figures.udp) f(listener, figures.datagrams);
    }
  };
  auto both = [&](const Metric& metric, auto received, auto sent) {
    per_udp(metric, [&](std::string_view listener, const UdpCounters& counters) {
      out_.sample({{"listener", listener}, {"direction", "received"}},
                  (counters.*received).value());
      out_.sample({{"listener", listener}, {"direction", "sent"}}, (counters.*sent).value());
    });
  };
  both(metrics::udp_datagrams, &UdpCounters::received, &UdpCounters::sent);
  both(metrics::udp_bytes, &UdpCounters::received_bytes, &UdpCounters::sent_bytes);
  per_udp(metrics::udp_dropped, [&](std::string_view listener, const UdpCounters& counters) {
    for (std::size_t i = 0; i < kUdpDrops; ++i) {
      out_.sample({{"listener", listener}, {"reason", name(static_cast<UdpDrop>(i))}},
                  counters.dropped[i].value());
    }
  });
  per_udp(metrics::udp_ended, [&](std::string_view listener, const UdpCounters& counters) {
    for (std::size_t i = 0; i < UdpCounters::kReasons; ++i) {
      std::uint64_t count = counters.ended[i].value();
      if (count == 0) continue;
      out_.sample({{"listener", listener}, {"reason", name(static_cast<ErrorCode>(i))}}, count);
    }
  });
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

void ProcessStatus::Text::traces(const TraceFigures& figures) {
  out_.family(metrics::trace_spans);
  out_.sample({{"result", "sent"}}, figures.sent);
  out_.sample({{"result", "refused"}}, figures.refused);
  out_.sample({{"result", "dropped"}}, figures.dropped);
  out_.family(metrics::trace_failures);
  out_.sample({}, figures.failures);
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
  text.rate_limits();
  text.stores();
  text.dns(sources_.dns ? sources_.dns() : std::vector<DnsStatus>());
  text.caches(sources_.caches ? sources_.caches() : std::vector<cache::StoreTotals>());
  text.buffers(sources_.buffers ? sources_.buffers() : BufferFigures());
  text.overload(sources_.overload ? sources_.overload() : OverloadFigures());
  text.process(unready().empty());
  text.log(sources_.access_log ? sources_.access_log() : LogFigures());
  text.traces(sources_.traces ? sources_.traces() : TraceFigures());
  text.machine(sources_.usage ? sources_.usage() : ProcessUsage(), started_);
  return text.take();
}

}  // namespace weir
