// Opens a connection to an endpoint: TCP or Unix socket, TLS, and the protocol that was agreed on.
#pragma once

#include <memory>
#include <string_view>

#include "cluster/endpoint.h"
#include "core/task.h"
#include "io/loop.h"
#include "upstream/options.h"

namespace weir {

/// What is needed to connect; a value that outlives the configuration it was taken from. The
/// endpoint lives as long as the dialling.
struct Dial {
  Dial(const Endpoint& to, const UpstreamOptions& options)
      : endpoint(to),
        address(to.address),
        other(to.other()),
        host(to.host),
        tls(options.tls),
        protocol(options.protocol),
        timeout(options.connect_timeout),
        limits(options.limits) {
    // For connections of Weir's own; those of a client replace it.
    if (options.proxy_protocol) proxy_header = write_proxy_header(*options.proxy_protocol, {}, {});
  }

  const Endpoint& endpoint;
  Address address;
  std::optional<Address> other;  // of the same server, in the other family
  std::string host;
  std::shared_ptr<const TlsClientProfile> tls;
  UpstreamProtocol protocol;
  Duration timeout;          // TLS handshake included
  EndpointLimits limits;     // of connections; health checks have none
  std::string proxy_header;  // ahead of everything else; see UpstreamOptions::proxy_protocol
};

/// An open connection.
struct Dialled {
  std::unique_ptr<Stream> stream;
  bool http2 = false;
  ConnectionPlaces::Place place = {};  // to be held as long as the stream is open
};

/// Errors are of Origin::upstream with Retry::always: nothing of a request has been sent.
/// Those of ConnectionPlaces where connections are limited. `unsupported`: it must be HTTP/2, and
/// the endpoint did not agree by ALPN. What stops it by `stop` is passed on as it is.
Task<Result<Dialled>> dial(Loop& loop, Dial to, StopToken stop);

}  // namespace weir
