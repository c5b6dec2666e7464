// What one worker keeps of one cluster: its view of the endpoints and idle connections to them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cluster/cluster.h"
#include "http/h1/client_exchange.h"
#include "upstream/options.h"
#include "upstream/response_times.h"
#include "upstream/session_pool.h"

namespace weir {

/// One per worker and cluster, in the worker's slot. Idle connections are values on a stack, the
/// one used last on top. What was not needed for a whole sweep is surplus and offered to the
/// other workers.
class Pool {
 public:
  static constexpr Duration kSweep = std::chrono::milliseconds(250);

  Pool(Loop& loop, std::shared_ptr<Cluster> cluster, bool share);
  ~Pool();

  /// The worker's pool for `cluster`, made on first use.
  static Pool& of(Loop& loop, const std::shared_ptr<Cluster>& cluster, bool share);

  /// The current endpoints; follows the cluster's changes.
  const EndpointSet& endpoints();
  /// Places in the rotations of the groups of `endpoints()`; one at least.
  std::span<std::uint64_t> cursors() { return cursors_; }
  Cluster& cluster() { return *cluster_; }
  const std::shared_ptr<Cluster>& shared_cluster() const { return cluster_; }

  /// An idle connection to `endpoint`, or one without a stream. `index` is the endpoint's place in
  /// the set from which it was picked: a hint. `certain`: ask the kernel whether
  /// it is still open, for requests that cannot be repeated. None that is above `max_age`.
  h1::ClientConnection take(const Endpoint& endpoint, std::uint32_t index, bool certain,
                            const PoolLimits& limits);
  /// Keeps the connection if the limits allow and the endpoint is still wanted; else closes it.
  void put(const Endpoint& endpoint, std::uint32_t index, h1::ClientConnection connection,
           const PoolLimits& limits);

  /// The HTTP/2 sessions to `endpoint`. They are drained when the endpoint is not wanted any more.
  /// `counted`: its connections are limited.
  std::shared_ptr<SessionPool> sessions(const std::shared_ptr<Endpoint>& endpoint,
                                        std::uint32_t index, bool counted = false);

  /// Closes one idle connection to `endpoint`, which may be gone, if others wait for its place.
  void spare(const Endpoint* endpoint);
  /// The same, to any endpoint, if others wait for a place in the cluster.
  void spare_any();

  PoolCounters& counters() { return *counters_; }
  RetryCounters& retry_counters() { return *retry_counters_; }
  /// Recorded where a hedge goes by them.
  ResponseTimes& response_times() { return response_times_; }
  std::size_t idle() const;

 private:
  struct Idle {
    h1::ClientConnection connection;
    TimePoint since;
  };
  struct Place {
    std::shared_ptr<Endpoint> endpoint;
    std::vector<Idle> idle;
    std::size_t low = 0;                               // the fewest idle since the last sweep
    std::shared_ptr<SessionPool> sessions;             // null until HTTP/2 may be spoken
    std::unique_ptr<ConnectionPlaces::Keeper> keeper;  // where connections are limited
  };
  struct Sweep : Timer {
    using Timer::Timer;
    Pool* pool = nullptr;
  };

  Place* find(const Endpoint& endpoint, std::uint32_t index);
  void refresh();
  bool usable(const h1::ClientConnection& connection, const PoolLimits& limits) const;
  void keep(Place& place);
  bool spare(Place& place);
  bool hand_on(Place& place, h1::ClientConnection& connection);
  h1::ClientConnection take_shared(Endpoint& endpoint, const PoolLimits& limits);
  void sweep();
  bool sweep_place(Place& place);
  void publish(Place& place);

  Loop& loop_;
  std::shared_ptr<Cluster> cluster_;
  std::shared_ptr<const EndpointSet> set_;
  std::vector<Place> places_;  // one per endpoint, in the order of the set
  PoolLimits limits_;
  Gathered<PoolCounters>::Part counters_;
  Gathered<RetryCounters>::Part retry_counters_;
  ResponseTimes response_times_;
  std::vector<std::uint64_t> cursors_;
  Sweep sweep_;
  bool share_;
  std::unique_ptr<ConnectionPlaces::Keeper> keeper_;  // where connections are limited
};

}  // namespace weir
