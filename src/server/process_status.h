// ProcessStatus: what the process knows of itself, for metrics, health and the admin listener.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/cluster.h"
#include "discovery/dns.h"
#include "middleware/bandwidth.h"
#include "middleware/buffer/buffer_use.h"
#include "middleware/cache/store.h"
#include "middleware/concurrency_limit.h"
#include "middleware/rate_limit/limit.h"
#include "server/health_checks.h"
#include "server/line_sink.h"
#include "server/listener_service.h"
#include "server/metrics.h"
#include "server/process_usage.h"
#include "server/snapshot.h"
#include "server/trace_exporter.h"

namespace weir {

class Server;

/// Where figures come from that other parts keep; each may be empty. Asked on the thread that asks
/// for metrics.
struct StatusSources {
  std::function<ProcessUsage()> usage;
  std::function<std::vector<DnsStatus>()> dns;
  std::function<LogFigures()> access_log;
  const HealthChecks* health = nullptr;
  std::function<OverloadFigures()> overload;
  std::function<std::vector<cache::StoreTotals>()> caches;
  std::function<BufferFigures()> buffers;
  std::function<TraceFigures()> traces;
};

/// Why clients should not be sent here yet, or any more.
struct Unready {
  std::string_view code;  // no_configuration, no_endpoints or draining
  std::string upstream;   // of no_endpoints
};

/// Any thread may call, but for what says otherwise. Outlives the Server.
class ProcessStatus {
 public:
  /// `started`: nanoseconds since the Unix epoch.
  explicit ProcessStatus(std::int64_t started, StatusSources sources = {})
      : started_(started), sources_(std::move(sources)) {}

  /// A worker begins and ends, each on its own loop or before that loop runs.
  std::shared_ptr<WorkerMetrics> join(Loop& loop);
  void leave(const std::shared_ptr<WorkerMetrics>& worker);

  /// `server` has put a configuration in force. On the thread that owns the server.
  void use(const Server& server);
  /// A configuration was refused.
  void refuse();
  /// The process ends; it is not ready any more.
  void drain();

  /// Empty when ready. Once it has been ready only a drain changes that: neither a reload nor a
  /// name that stops resolving takes a working process out of service.
  std::vector<Unready> unready() const;

  /// Null before the first configuration.
  std::shared_ptr<const Snapshot> snapshot() const;

  std::vector<std::shared_ptr<Cluster>> clusters() const;
  /// Null if nothing is ever checked; to be asked on the owner's thread.
  const HealthChecks* health() const { return sources_.health; }

  /// The text for Prometheus. Takes time that grows with the number of series: not on a worker, but
  /// on the owner's thread.
  std::string metrics() const;

 private:
  struct Seat {
    Loop* loop;
    std::shared_ptr<WorkerMetrics> metrics;
  };
  /// What `metrics` needs, taken at one moment.
  struct View {
    ExchangeTotals totals;
    std::vector<std::shared_ptr<WorkerMetrics>> workers;
    std::map<unsigned, Duration> lag;
    std::vector<std::shared_ptr<SharedListener>> listeners;
    std::vector<std::shared_ptr<Cluster>> clusters;
    // By name.
    std::vector<std::pair<std::string, std::shared_ptr<RateBudgets>>> rate_budgets;
    std::vector<std::pair<std::string, std::shared_ptr<RequestsUnderWay>>> concurrency;
    std::vector<std::pair<std::string, std::shared_ptr<ByteBudgets>>> bandwidth;
    std::vector<std::shared_ptr<RedisStore>> stores;
    std::uint64_t generation = 0;
    std::uint64_t reloads = 0;
    std::uint64_t refused = 0;
    bool last_refused = false;
  };
  class Text;

  View view() const;

  const std::int64_t started_;
  const StatusSources sources_;
  mutable std::mutex mutex_;  // of everything below; held briefly, for workers ask too
  std::vector<Seat> workers_;
  ExchangeTotals gone_;  // of workers that have ended
  std::vector<std::shared_ptr<SharedListener>> listeners_;
  std::vector<std::weak_ptr<SharedListener>> leaving_;  // connections may still be open
  std::vector<std::shared_ptr<Cluster>> clusters_;
  std::vector<std::pair<std::string, std::weak_ptr<RateBudgets>>> rate_budgets_;
  std::vector<std::pair<std::string, std::weak_ptr<RequestsUnderWay>>> concurrency_;
  std::vector<std::pair<std::string, std::weak_ptr<ByteBudgets>>> bandwidth_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::uint64_t reloads_ = 0;
  std::uint64_t refused_ = 0;
  bool last_refused_ = false;
  bool draining_ = false;
  mutable bool was_ready_ = false;
};

}  // namespace weir
