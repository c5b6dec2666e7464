// Server: the process side of serving: sockets, clusters, workers, and the change from one
// configuration to the next.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "middleware/buffer/buffer_use.h"
#include "middleware/cache/store.h"
#include "server/build.h"
#include "server/endpoint_discovery.h"
#include "server/health_checks.h"
#include "server/lag_probe.h"
#include "server/trace_exporter.h"
#include "server/worker.h"

namespace weir {

/// Where loops for workers come from: threads in the real program, the simulation's in tests.
class WorkerHost {
 public:
  virtual ~WorkerHost() = default;
  /// A running loop, or one that will run.
  virtual Result<Loop*> start(unsigned index) = 0;
  /// No worker uses the loop any more.
  virtual void retire(unsigned index) = 0;
  /// Runs `work` on the thread that owns the Server. Any thread.
  virtual void post(std::function<void()> work) = 0;
  virtual std::unique_ptr<ExchangeObserver> make_observer(Loop& loop) = 0;
  /// How many workers `workers: auto` means.
  virtual unsigned default_workers() const = 0;
};

/// Used from one thread; it reaches its workers only by posting to their loops.
class Server {
 public:
  Server(Network& network, WorkerHost& host);
  ~Server();

  /// `admin` answers on the admin listener, if there is one, and outlives the server.
  void set_admin(const Handler* admin) { admin_ = admin; }

  /// Endpoints that are names are resolved by `discovery`, if there is one, on the owner's loop.
  void set_discovery(EndpointDiscovery* discovery) { discovery_ = discovery; }

  /// Endpoints are checked by `health`, if there is one, on the owner's loop.
  void set_health(HealthChecks* health) { health_ = health; }

  /// Spans go to `traces`, if there is one, on the owner's loop.
  void set_traces(TraceExporter* traces) { traces_ = traces; }

  /// The last that could refuse a configuration: false, with the reason in `diagnostics`.
  using Seal = std::function<bool(config::Diagnostics& diagnostics)>;

  /// Puts a configuration in force. False, with everything in `diagnostics` and the old one
  /// untouched, if it is wrong or an address cannot be bound. `seal`, if there is one, is asked
  /// when nothing else can go wrong any more. `done` runs once every worker uses it.
  bool apply(ServerConfig config, config::Diagnostics& diagnostics, std::function<void()> done,
             const Seal& seal = {});

  /// Stops accepting and lets exchanges finish; `done` runs when nothing is left, workers included.
  /// The admin listener answers until the sessions of all others are done. Called once; nothing is
  /// applied afterwards.
  void drain(std::function<void()> done);
  /// Cuts what is left.
  void abort();

  /// Takes up files of TLS that have changed; to be called every few seconds.
  void refresh_tls(TimePoint now) { tls_.refresh(now); }

  /// Lets clusters do what takes time: to be called about every second. `wall`: nanoseconds since
  /// the Unix epoch.
  void tend_clusters(TimePoint now, std::int64_t wall);
  /// Lets limits forget what is of no use any more: to be called about every second.
  void tend_limits(TimePoint now);

  /// Looks whether the process has too much to do; to be called every Overload::kInterval, with its
  /// resident memory and what the system lets it have (0: no bound), in bytes.
  void sense_load(TimePoint now, std::uint64_t memory, std::uint64_t limit);
  const Overload& overload() const { return overload_; }

  /// What outlives configurations, by kind and name. The owner's thread.
  NamedStates& states() { return states_; }

  CertificateStore& certificates() { return tls_.certificates(); }

  std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  std::vector<std::shared_ptr<SharedListener>> listeners() const;
  std::vector<std::shared_ptr<Cluster>> clusters() const;
  /// What outlives configurations by its name.
  const NamedStates& states() const { return states_; }
  /// For statistics: `f(worker)` runs on each worker's loop, then `done` on the owner's thread.
  void on_each_worker(std::function<void(Worker&)> f, std::function<void()> done);
  /// By name.
  std::vector<cache::StoreTotals> caches();
  /// Of all that is buffered.
  BufferFigures buffers();
  unsigned worker_count() const { return static_cast<unsigned>(workers_.size()); }
  /// Workers that end in their own time.
  unsigned retiring_count() const { return static_cast<unsigned>(retiring_.size()); }

 private:
  enum class Draining : std::uint8_t { no, traffic, all };  // traffic: all but the admin listener

  struct BoundListener {
    std::shared_ptr<SharedListener> shared;
    std::vector<int> sockets;
    std::vector<unsigned> owners;  // of each socket; not for a Unix socket, which serves all
    unsigned workers = 0;          // how many it was last shared out to
  };
  struct Running {
    unsigned index;
    Loop* loop;
    std::unique_ptr<Worker> worker;
  };

  bool bind_new(const Snapshot& snapshot, unsigned workers, std::vector<BoundListener>& fresh,
                config::Diagnostics& diagnostics);
  bool bind_listener(const ListenerPlan& plan, config::Position position, unsigned workers,
                     BoundListener& bound, config::Diagnostics& diagnostics);
  bool taken_by_us(const ListenerPlan& plan, const Address& address) const;
  void report_bind(const Error& error, const ListenerPlan& plan, config::Position position,
                   config::Diagnostics& diagnostics) const;
  void apply_limits(const Snapshot& snapshot);
  void update_clusters(const Snapshot& snapshot);
  bool start_workers(unsigned count, config::Diagnostics& diagnostics);
  std::vector<int> remove_listeners(std::vector<WorkerChange>& changes);
  void share_sockets(BoundListener& listener, unsigned workers, std::vector<WorkerChange>& changes);
  void hand_out(std::vector<BoundListener> fresh, unsigned workers, std::function<void()> done);
  unsigned free_index() const;
  void retire(Running running);
  void settle(const MovedConnection& moved);
  void give_up(const MovedConnection& moved);
  void go_on_draining();
  void retire_all();
  void close_listeners(Draining which);
  std::function<void()> countdown(std::size_t count, std::function<void()> done);

  Network& network_;
  WorkerHost& host_;
  const Handler* admin_ = nullptr;
  EndpointDiscovery* discovery_ = nullptr;
  HealthChecks* health_ = nullptr;
  TraceExporter* traces_ = nullptr;
  std::atomic<std::uint64_t> connections_{0};
  Overload overload_;
  LagProbe lag_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::uint64_t generation_ = 0;
  std::vector<BoundListener> listeners_;
  ClusterMap clusters_;
  NamedStates states_;
  TlsMaterials tls_;
  std::vector<Running> workers_;
  std::vector<std::shared_ptr<Running>> retiring_;
  Draining draining_ = Draining::no;
  std::size_t busy_workers_ = 0;  // whose clients are not all gone, in a drain
  std::function<void()> ended_;
  std::size_t settled_ = 0;  // connections that changed their worker, to take turns
};

}  // namespace weir
