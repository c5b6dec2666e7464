// EndpointLease: a tunnel's place at its endpoint: counted from its pick to its end.
#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "cluster/cluster.h"
#include "tunnel/tcp_plan.h"

namespace weir {

/// Keeps the endpoint and its cluster, which may be gone from the configuration. Moved, not copied.
class EndpointLease {
 public:
  EndpointLease() = default;
  /// Where endpoints have limits, `endpoint` counts the tunnel already.
  EndpointLease(const TunnelUpstream& upstream, std::shared_ptr<Endpoint> endpoint,
                Admission admission);
  EndpointLease(EndpointLease&& other) noexcept { *this = std::move(other); }
  EndpointLease& operator=(EndpointLease&& other) noexcept;
  ~EndpointLease() { end(); }

  explicit operator bool() const { return endpoint_ != nullptr; }
  Endpoint& endpoint() const { return *endpoint_; }
  /// Whether there is room for one more that is being connected; to be held meanwhile.
  Result<Admission::Waiting> wait() const;
  /// What came of connecting, which took so long. `upstream` is that of the lease.
  void tell(const TunnelUpstream& upstream, bool connected, Duration took, TimePoint now);

  /// Of an upstream with limits: its place among the connections, given back with the lease.
  void take(ConnectionPlaces::Place place) { terms_->place = std::move(place); }

  std::string_view cluster_name() const {
    return endpoint_ != nullptr ? std::string_view(endpoint_->cluster().name())
                                : std::string_view();
  }

 private:
  /// What an upstream asks for that limits or counts more than endpoints do by themselves.
  struct Terms {
    ConnectionPlaces::Place place;
    Admission admission;
    bool counts_in_cluster;
    bool limited;  // somebody may wait for its place
  };
  void end();

  Endpoint* endpoint_ = nullptr;  // kept
  std::unique_ptr<Terms> terms_;  // null: nothing of that
};

}  // namespace weir
