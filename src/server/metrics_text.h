// What /metrics says: every family of the table, in its order.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/exposition.h"
#include "server/process_status.h"

namespace weir {

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
      if (listener->kind == ListenerKind::udp) {
        figures.udp = true;
        listener->datagrams.add_to(figures.datagrams);
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
  void cache_uses();
  void caches(const std::vector<cache::StoreTotals>& caches);
  void cache_disks(const std::vector<cache::StoreTotals>& caches);
  void buffers(const BufferFigures& figures);
  void listeners();
  void upstreams();
  void health(const HealthChecks* checks);
  void queues();
  void dns(const std::vector<DnsStatus>& names);
  void rate_limits();
  void concurrency();
  void stores();
  void overload(const OverloadFigures& figures);
  void process(bool ready);
  void log(const LogFigures& figures);
  void traces(const TraceFigures& figures);
  void machine(const ProcessUsage& usage, std::int64_t started);
  std::string take() { return out_.take(); }

 private:
  /// What is told of a listener; those of one name are told as one.
  struct ListenerFigures {
    SessionCounters sessions;
    TunnelCounters tunnels;
    UdpCounters datagrams;
    bool tcp = false;
    bool udp = false;
    std::uint64_t refused = 0;
    std::uint64_t proxy_errors = 0;
    std::uint64_t accept_errors = 0;
  };

  void tunnels();
  void datagrams();
  void tls_handshakes();
  void misdeeds();
  void outliers();
  void connections();
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

}  // namespace weir
