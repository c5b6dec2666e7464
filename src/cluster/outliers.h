// OutlierDetection: finds the endpoints of a cluster that fail requests, and takes them out for a
// while.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "cluster/attempt_result.h"
#include "cluster/endpoint_set.h"
#include "cluster/outlier_policy.h"

namespace weir {

class Cluster;

/// An endpoint that is ejected now.
struct Ejection {
  std::string endpoint;
  EjectionReason reason;
  std::int64_t until;    // nanoseconds since the Unix epoch
  std::uint32_t lately;  // ejections, this one included, that are not forgotten yet
};

/// One per cluster, outlives configurations; what it knows of an endpoint is in the endpoint. An
/// ejection takes a lock, nothing else on the path of a request does.
class OutlierDetection {
 public:
  explicit OutlierDetection(Cluster& cluster) : cluster_(cluster) {}

  /// Any thread. `took`: from sending the request to its answer. Ejects at once if that was one too
  /// many in a row.
  void tell(const OutlierPolicy& policy, Endpoint& endpoint, AttemptResult result, Duration took,
            TimePoint now);

  /// Takes back those whose time is over, and compares endpoints when it is time to. To be called
  /// about every second by one thread. `wall`: nanoseconds since the Unix epoch.
  void tend(const OutlierPolicy& policy, TimePoint now, std::int64_t wall);

  /// Any thread. In the order of the endpoints.
  std::vector<Ejection> ejections() const;
  /// Ejections that the cap did not allow.
  std::uint64_t withheld() const { return withheld_.load(std::memory_order_relaxed); }
  /// On the clock of the wall, in nanoseconds since the Unix epoch.
  std::int64_t wall(TimePoint time) const {
    return time.time_since_epoch().count() + wall_offset_.load(std::memory_order_relaxed);
  }

 private:
  struct Sample {
    Endpoint* endpoint;
    double value;
  };

  void count(OutlierState& state, AttemptResult result, Duration took);
  void eject(const OutlierPolicy& policy, Endpoint& endpoint, EjectionReason reason,
             const std::string& detail, TimePoint now);
  bool cap_allows(const OutlierPolicy& policy, const EndpointSet& set, const Endpoint& endpoint);
  void end_ejections(const OutlierPolicy& policy, const EndpointSet& set, TimePoint now);
  void compare(const OutlierPolicy& policy, const EndpointSet& set, TimePoint now);
  void compare_rates(const OutlierPolicy& policy, const std::vector<Sample>& rates, TimePoint now);
  void compare_latencies(const OutlierPolicy& policy, const std::vector<Sample>& means,
                         TimePoint now);

  Cluster& cluster_;
  std::mutex mutex_;  // of every change of who is ejected
  TimePoint compared_{};
  std::atomic<std::int64_t> wall_offset_{0};
  std::atomic<std::uint64_t> withheld_{0};
};

}  // namespace weir
