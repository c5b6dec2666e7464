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
  const std::shared_ptr<Endpoint>& endpoint_pointer() const { return endpoint_; }
  /// Whether there is room for one more that is being connected; to be held meanwhile.
  Result<Admission::Waiting> wait() const;
  /// What came of connecting, which took so long. `upstream` is that of the lease.
  void tell(const TunnelUpstream& upstream, bool connected, Duration took, TimePoint now);

  std::string_view cluster_name() const {
    return cluster_ ? std::string_view(cluster_->name()) : std::string_view();
  }

 private:
  void end();

  std::shared_ptr<Cluster> cluster_;
  std::shared_ptr<Endpoint> endpoint_;
  std::unique_ptr<Admission> admission_;  // null: nothing limits the cluster
  bool counts_in_cluster_ = false;
  bool limited_ = false;  // somebody may wait for its place
};

}  // namespace weir
