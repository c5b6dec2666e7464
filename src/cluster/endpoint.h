// Endpoint: one address of a cluster, shared by all workers, kept over reloads.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/connection_places.h"
#include "cluster/latency.h"
#include "cluster/outlier_state.h"
#include "cluster/reported_load.h"
#include "io/address.h"
#include "io/timer.h"

namespace weir {

/// An idle connection that belongs to no worker: a socket of the network and what is known of it.
struct SharedConnection {
  int socket = -1;
  TimePoint born{};
  TimePoint idle_since{};
  std::uint32_t uses = 0;
  ConnectionPlaces::Place place = {};
};

/// Idle connections that one worker did not need and another may take before it connects. A
/// short critical section, entered only on surplus and on a miss.
class SharedConnections {
 public:
  static constexpr std::size_t kLimit = 64;

  /// False when the list is full or closed; the caller keeps the socket.
  bool put(const SharedConnection& connection);
  /// The one that was used last.
  std::optional<SharedConnection> take();
  /// Takes out what has been idle since before `time`, for the caller to close.
  std::vector<SharedConnection> take_older(TimePoint time);
  bool empty() const { return count_.load(std::memory_order_relaxed) == 0; }

 private:
  mutable std::mutex mutex_;
  std::vector<SharedConnection> connections_;
  std::atomic<std::size_t> count_{0};
};

class Cluster;

/// Why an endpoint is not picked; several may hold at a time.
enum class Away : std::uint8_t {
  unhealthy = 1,  // its health check fails
  ejected = 2,    // it fails requests, more than others do
  disabled = 4,   // an operator says so
  draining = 8,   // the same, but clients that are bound to it may still come
};

class Endpoint {
 public:
  /// `all`: the places of its cluster's connections.
  explicit Endpoint(Address where, std::string name = {},
                    std::shared_ptr<ConnectionPlaces> all = nullptr)
      : address(std::move(where)),
        text(address.text()),
        host(name.empty() ? address.ip().text() : std::move(name)),
        cluster_places(std::move(all)) {}

  const Address address;
  const std::string text;  // for logs, metrics and `host: upstream`
  const std::string host;  // what its certificate must be for: a DNS name or an IP address

  std::atomic<std::uint32_t> in_flight{0};  // exchanges under way, over all workers
  std::atomic<std::uint64_t> requests{0};
  std::atomic<std::uint64_t> connect_failures{0};
  std::atomic<std::uint64_t> failures{0};  // attempts that ended without a response
  Latency latency;
  OutlierState outlier;
  ReportedLoad load;
  SharedConnections shared;
  const std::shared_ptr<ConnectionPlaces> places = std::make_shared<ConnectionPlaces>();
  const std::shared_ptr<ConnectionPlaces> cluster_places;  // null outside of a cluster
  /// Somebody waits until a connection to it, or to its cluster, is closed.
  bool connection_wanted() const {
    return places->waiting() > 0 || (cluster_places && cluster_places->waiting() > 0);
  }

  /// The same server in the other family of addresses, where its name has both. Any thread.
  std::optional<Address> other() const;
  void set_other(std::optional<Address> address);
  /// The other address is the one that connected when both were tried: it is tried first.
  bool other_is_better() const { return other_is_better_.load(std::memory_order_relaxed); }
  void note_better(bool other) const { other_is_better_.store(other, std::memory_order_relaxed); }

  /// Nothing keeps it from being picked. To change it: Cluster::set_away.
  bool available() const { return away_.load(std::memory_order_relaxed) == 0; }
  /// That alone, of all reasons, keeps it from being picked.
  bool is_only(Away why) const {
    return away_.load(std::memory_order_relaxed) == static_cast<std::uint8_t>(why);
  }
  bool is(Away why) const {
    return (away_.load(std::memory_order_relaxed) & static_cast<std::uint8_t>(why)) != 0;
  }
  /// An operator took it out: not even a panic sends requests there.
  bool barred() const { return (away_.load(std::memory_order_relaxed) & kBarred) != 0; }
  /// Clients that are bound to it may come.
  bool keeps_clients() const {
    constexpr auto kDraining = static_cast<std::uint8_t>(Away::draining);
    return (away_.load(std::memory_order_relaxed) & ~kDraining) == 0;
  }

  /// Keeps the endpoint and its cluster until `let_go` was called as often: for tunnels, which
  /// refer to it by a plain pointer. `self` is this one. Any thread.
  void keep(const std::shared_ptr<Endpoint>& self, const std::shared_ptr<Cluster>& cluster);
  /// The endpoint may be gone after it. Any thread.
  void let_go();
  /// While it is kept.
  const std::shared_ptr<Endpoint>& self() const { return kept_.self; }
  Cluster& cluster() const { return *kept_.cluster; }

  /// Counts one more exchange if there are fewer than `most`.
  bool try_begin(std::uint32_t most);

  /// The part of its weight that it has by now: a tenth when it is new, all after `slow_start`.
  double warmth(TimePoint now, Duration slow_start) const;
  /// It came when others were in use already: its weight is to grow from its first pick on.
  void mark_new() { since_.store(kNew, std::memory_order_relaxed); }
  /// If it is marked as new, that begins now. Returns when it ends, on the monotonic clock;
  /// in the distant past for an endpoint that never was new.
  std::int64_t begin_slow_start(TimePoint now, Duration slow_start);

 private:
  friend class Cluster;
  struct Kept {
    std::shared_ptr<Endpoint> self;
    std::shared_ptr<Cluster> cluster;
  };
  /// True if that changes whether it is available, or barred.
  bool set_away(Away why, bool away);

  static constexpr std::uint8_t kBarred =
      static_cast<std::uint8_t>(Away::disabled) | static_cast<std::uint8_t>(Away::draining);
  static constexpr std::int64_t kNeverNew = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kNew = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> since_{kNeverNew};
  std::atomic<std::uint8_t> away_{0};  // of Away, or-ed
  mutable std::mutex mutex_;           // guards `other_`, `keeps_`, and changes of `kept_`
  Kept kept_;
  std::uint64_t keeps_ = 0;
  std::optional<Address> other_;
  mutable std::atomic<bool> other_is_better_{false};
};

}  // namespace weir
