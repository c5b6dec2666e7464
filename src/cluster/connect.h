// Connects to an endpoint: TCP or Unix socket, PROXY header, TLS.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cluster/endpoint.h"
#include "core/task.h"
#include "io/loop.h"
#include "io/tls/profile.h"

namespace weir {

/// What is needed; a value that outlives the configuration it was taken from. The endpoint lives as
/// long as the connecting.
struct ConnectPlan {
  ConnectPlan(const Endpoint& to, std::shared_ptr<const TlsClientProfile> profile, Duration time)
      : endpoint(to),
        address(to.address),
        other(to.other()),
        host(to.host),
        tls(std::move(profile)),
        timeout(time) {}

  const Endpoint& endpoint;
  Address address;
  std::optional<Address> other;                 // of the same server, in the other family
  std::string host;                             // what its certificate must be for
  std::shared_ptr<const TlsClientProfile> tls;  // null: in clear
  Duration timeout;                             // TLS handshake included
  std::string proxy_header = {};                // goes out ahead of everything else, TLS included
  std::optional<IpAddress> source = {};         // see ConnectOptions
  std::string alpn = {};       // the one protocol to offer, in place of the profile's
  EndpointLimits limits = {};  // of connections
};

struct Connected {
  std::unique_ptr<Stream> stream;
  ConnectionPlaces::Place place;  // to be held as long as the stream is open
};

/// Errors are of Origin::upstream with Retry::always: nothing of the client's has been sent. Those
/// of ConnectionPlaces where connections are limited. What stops it by `stop` is passed on as it
/// is.
Task<Result<Connected>> connect(Loop& loop, ConnectPlan to, StopToken stop);

}  // namespace weir
