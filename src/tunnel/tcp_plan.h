// TcpPlan: what a configuration says about one TCP listener, compiled.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cluster/admission.h"
#include "cluster/balance_policy.h"
#include "cluster/cluster.h"
#include "cluster/endpoint_limits.h"
#include "cluster/outlier_policy.h"
#include "io/proxy_protocol.h"
#include "io/tls/profile.h"
#include "tunnel/intercept.h"
#include "tunnel/tcp_routes.h"

namespace weir {

/// How a tunnel gets to a cluster. Immutable; keeps what it names, so that it needs no snapshot.
struct TunnelUpstream {
  std::shared_ptr<Cluster> cluster;
  BalancePolicy balance;
  Duration connect_timeout{};  // TLS handshake included
  EndpointLimits limits;
  OutlierPolicy outliers;
  AdmissionPolicy admission;
  std::uint32_t attempts = 1;                   // endpoints to try, at most
  std::shared_ptr<const TlsClientProfile> tls;  // null: in clear, or end to end
  std::optional<ProxyProtocolVersion> proxy_protocol;
};

struct TcpPlan {
  explicit TcpPlan(std::vector<TcpRoute> all) : routes(std::move(all)) {}

  TcpRoutes routes;
  Intercept intercept = Intercept::none;
  bool keep_source = false;  // endpoints see the client's own address as that of the connection
  Duration idle_timeout{};   // both sides silent
  /// How long a client that may be known by its bytes is waited for, before the endpoint of the
  /// others is connected beside it, so that it can speak first.
  Duration silence{};
  Duration hello_timeout{};  // for all bytes that a route depends on, from the first on
  Duration drain_timeout{};  // how long tunnels go on without their listener
};

}  // namespace weir
