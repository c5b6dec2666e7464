// What a configuration says about the use of a cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "cluster/admission.h"
#include "cluster/config.h"
#include "expression/key.h"
#include "http/h1/client_exchange.h"
#include "http/h2/client_session.h"
#include "io/proxy_protocol.h"
#include "io/tls/profile.h"
#include "upstream/retry_policy.h"
#include "upstream/sticky.h"

namespace weir {

/// Limits of pooled connections; see PoolConfig.
struct PoolLimits {
  std::uint32_t max_idle = 1024;
  Duration idle_timeout = std::chrono::seconds(60);
  Duration max_age{0};                    // 0: unlimited
  std::uint32_t max_requests = 0;         // 0: unlimited
  const TlsClientProfile* tls = nullptr;  // under which a connection must have been made
  bool counted = false;                   // only connections that have a place at their endpoint

  bool too_old(TimePoint born, TimePoint now) const {
    return max_age > Duration::zero() && now - born >= max_age;
  }
};

/// Immutable.
struct UpstreamOptions {
  BalancePolicy balance;                       // the cluster's; says what it has to be told
  std::shared_ptr<const expression::Key> key;  // what it goes by, if it hashes; else null
  std::shared_ptr<const Subset> subset;        // only these endpoints; null: all
  std::shared_ptr<const StickyCookie> sticky;  // null: sessions do not stick
  EndpointLimits limits;
  Duration connect_timeout = std::chrono::seconds(5);  // TLS handshake included
  std::shared_ptr<const TlsClientProfile> tls;         // null: in clear
  UpstreamProtocol protocol = UpstreamProtocol::automatic;
  h1::ClientLimits exchange;
  h2::ClientSessionLimits session;
  /// Connections begin with a header that tells of the client, so each serves one exchange only:
  /// HTTP/1.1, and `pool.max_idle` is 0.
  std::optional<ProxyProtocolVersion> proxy_protocol;
  PoolLimits pool;
  OutlierPolicy outliers;
  AdmissionPolicy admission;
  RetryPolicy retries;
  bool share_connections = false;  // with more than one worker

  /// Requests may share a connection.
  bool multiplexes() const {
    return protocol == UpstreamProtocol::http2 ||
           (protocol == UpstreamProtocol::automatic && tls != nullptr);
  }
};

}  // namespace weir
